import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBackend } from '../../src/backend/open.ts'
import { Celery } from '../../src/celery.ts'
import { ManualClock } from '../../src/clock.ts'
import { createLogger, type LogRecord } from '../../src/log.ts'
import { defaultExchange, exchange, taskQueue, transientQueue } from '../../src/protocol/entity.ts'
import type { Message } from '../../src/protocol/message.ts'
import { type ResultMeta, resultMeta } from '../../src/protocol/result-meta.ts'
import { openTransport } from '../../src/transport/open.ts'
import type { Delivery } from '../../src/transport/transport.ts'
import { Worker } from '../../src/worker/worker.ts'
import { backendConformance } from '../conformance/backend.ts'
import { survivesBrokenMessages } from '../conformance/broken-messages.ts'
import { redisCannot, transportConformance } from '../conformance/transport.ts'
import { freshRedisUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'
import { freePort } from '../support/port.ts'
import { start } from '../support/process.ts'
import { openRpcAt, rpcCannot } from '../support/rpc.ts'
import { until } from '../support/wait.ts'
import { appAt, calls } from '../wire/calls.ts'
import { comparable, fromEnvelope, redisLists } from '../wire/recorded.ts'

describeWith(['redis'], 'Redis', () => {
  let url = ''
  let redis: Redis
  beforeAll(async () => {
    url = await freshRedisUrl()
    redis = new Redis(url)
  })
  afterAll(() => redis.disconnect())

  describe('as a transport', () => transportConformance(() => openTransport(url), redisCannot))

  describe('as a place for broken messages', () =>
    survivesBrokenMessages(
      async () => {
        const fresh = await freshRedisUrl()
        return { brokerUrl: fresh, resultBackend: fresh }
      },
      { fuzzRuns: 300 },
    ))

  describe('as a backend', () => backendConformance((options) => openBackend(url, options)))

  describe('as a carrier of results', () => backendConformance((options) => openRpcAt(url, options), rpcCannot))

  describe('as kombu lays it out', () => {
    it('keeps each call in the list where Celery keeps it', async () => {
      for (const [name, call] of Object.entries(calls)) {
        await redis.flushdb()
        const app = appAt(url)
        await call(app)
        await app.close()
        const recorded = redisLists(name)
        const lists = Object.fromEntries(
          await Promise.all(Object.keys(recorded).map(async (key) => [key, await redis.lrange(key, 0, -1)])),
        )
        const messages = (of: Record<string, string[]>) =>
          Object.entries(of).map(([key, envelopes]) => [key, comparable(envelopes.map(fromEnvelope))])
        expect(messages(lists), name).toEqual(messages(recorded))
      }
    })

    it('says of a result that is not JSON that it cannot be read, to who asks and to who waits', async () => {
      const app = new Celery('reader', { resultBackend: url })
      const refusal = { code: 'DECODE_ERROR', message: expect.stringContaining('is no result in JSON') }
      await redis.set('celery-task-meta-yaml', 'status: SUCCESS')
      await expect(app.asyncResult('yaml').state()).rejects.toMatchObject(refusal)
      await expect(app.asyncResult('yaml').get()).rejects.toMatchObject(refusal)
      const waiting = expect(app.asyncResult('later').get()).rejects.toMatchObject(refusal)
      const isHeard = async () => Number(await redis.publish('celery-task-meta-later', 'status: SUCCESS'))
      await until(isHeard, { describe: 'the one who waits to listen' })
      await waiting
      await app.close()
    })

    it('binds queues as Celery binds them', async () => {
      await redis.flushdb()
      const transport = await openTransport(url)
      await transport.declare(taskQueue('calc'))
      await transport.declare(taskQueue('a', { exchange: exchange('news', 'topic'), routingKey: 'a.*.#' }))
      expect(await redis.smembers('_kombu.binding.calc')).toEqual(['calc\x06\x16\x06\x16calc'])
      expect(await redis.smembers('_kombu.binding.news')).toEqual(['a.*.#\x06\x16^a\\..*?[^\\.]\\..*?$\x06\x16a'])
      await transport.close()
    })

    it('records a taken message as unacknowledged until it is acknowledged', async () => {
      await redis.flushdb()
      const queue = taskQueue('celery')
      const transport = await openTransport(url)
      const { promise, resolve } = Promise.withResolvers<Delivery>()
      await transport.consume([queue], resolve)
      await transport.publish(message('x'), defaultExchange, queue.name)
      const delivery = await promise
      const [tag = '', score] = await redis.zrange('unacked_index', 0, '-1', 'WITHSCORES')
      expect(Math.abs(Number(score) - Date.now() / 1000)).toBeLessThan(5)
      const [envelope, exchangeName, routingKey] = JSON.parse((await redis.hget('unacked', tag)) ?? '')
      expect(envelope.headers).toEqual(delivery.message.headers)
      expect([exchangeName, routingKey]).toEqual(['', 'celery'])
      await delivery.ack()
      expect(await redis.exists('unacked', 'unacked_index')).toBe(0)
      await transport.close()
    })

    it('leaves no trace of a private mailbox', async () => {
      await redis.flushdb()
      const transport = await openTransport(url)
      const reply = transientQueue('me.reply', exchange('reply.celery.pidbox', 'direct', { durable: false }), 'me')
      await transport.consume([reply], () => {})
      expect(await redis.smembers('_kombu.binding.reply.celery.pidbox')).toEqual(['me\x06\x16\x06\x16me.reply'])
      await transport.close()
      expect(await redis.dbsize()).toBe(0)
    })

    it('leaves no trace of a mailbox that nobody listens to any more', async () => {
      await redis.flushdb()
      const transport = await openTransport(url)
      const reply = transientQueue('me.reply', exchange('reply.celery.pidbox', 'direct', { durable: false }), 'me')
      const consumer = await transport.consume([reply], () => {})
      await consumer.cancel()
      expect(await redis.dbsize()).toBe(0)
      await transport.close()
    })

    const whole = (id: string): Envelope => ({
      body: Buffer.from('[[1, 2], {}, null]').toString('base64'),
      'content-encoding': 'utf-8',
      'content-type': 'application/json',
      headers: { task: 'tasks.add', id },
      properties: {
        delivery_info: { exchange: '', routing_key: 'celery' },
        priority: 0,
        body_encoding: 'base64',
        delivery_tag: id,
      },
    })

    it.each<[string, (envelope: Envelope) => unknown, RegExp]>([
      [
        'without delivery_info',
        ({ properties }) => delete properties.delivery_info,
        /`properties.delivery_info` is not/,
      ],
      [
        'without a delivery tag',
        ({ properties }) => delete properties.delivery_tag,
        /`properties.delivery_tag` is not/,
      ],
      [
        'with an exchange that is null',
        ({ properties }) => set(properties, 'delivery_info', { exchange: null }),
        /exchange/,
      ],
      ['with a priority in letters', ({ properties }) => set(properties, 'priority', 'high'), /`properties.priority`/],
      [
        'with a reply address that is a list',
        ({ properties }) => set(properties, 'reply_to', []),
        /`properties.reply_to`/,
      ],
      [
        'with a correlation that is a number',
        ({ properties }) => set(properties, 'correlation_id', 7),
        /correlation_id/,
      ],
      ['without a body', (envelope) => delete envelope.body, /`body` is not a string/],
      ['whose body is an object', (envelope) => set(envelope, 'body', {}), /`body` is not a string/],
      ['whose body is no base64', (envelope) => set(envelope, 'body', 'ab$='), /`body` is not base64/],
      ['whose body is cut off', (envelope) => set(envelope, 'body', 'abcde'), /`body` is not base64/],
      ['of an unknown body encoding', ({ properties }) => set(properties, 'body_encoding', 'rot13'), /body_encoding/],
      ['of a content type in numbers', (envelope) => set(envelope, 'content-type', 1), /`content-type`/],
      ['without properties', (envelope) => set(envelope, 'properties', null), /`properties` is not an object/],
    ])('keeps an envelope %s, and its caller hears of it', async (_, spoil, reason) => {
      await redis.flushdb()
      const id = randomUUID()
      const envelope = whole(id)
      spoil(envelope)
      await redis.lpush('celery', JSON.stringify(envelope))
      const { app, worker } = await serve(url)
      await expect(app.asyncResult(id).get({ timeout: 10 })).rejects.toThrow(reason)
      expect(await app.sendTask('tasks.add', { args: [1, 2] }).get({ timeout: 10 })).toBe(3)
      await worker.stop()
      await app.close()
      const [entry = ''] = await redis.lrange('celery-sandbox.dead-letter', 0, -1)
      const { raw, ...rest } = JSON.parse(entry)
      expect(rest).toEqual({ reason: expect.stringMatching(reason), time: expect.any(String), queue: 'celery' })
      expect(JSON.parse(Buffer.from(raw, 'base64').toString())).toEqual(envelope)
      expect(await redis.exists('unacked', 'unacked_index')).toBe(0)
    })

    it('keeps list entries that are no envelopes at all, byte for byte, and goes on', async () => {
      await redis.flushdb()
      const deep = `{"headers": ${'['.repeat(200_000)}${']'.repeat(200_000)}}`
      const entries = ['not JSON', '', '"text"', '[]', '7', 'null', '{"headers": null}', deep].map((text) =>
        Buffer.from(text),
      )
      entries.push(Buffer.of(0xff, 0x00, 0xfe))
      await redis.lpush('celery', ...entries)
      const { app, worker } = await serve(url)
      expect(await app.sendTask('tasks.add', { args: [1, 2] }).get({ timeout: 10 })).toBe(3)
      const transport = await app.transport()
      const letters = await until(
        async () => {
          const all = await transport.deadLetters()
          return all.length === entries.length && all
        },
        { describe: 'all dead letters' },
      )
      expect(letters.map(({ raw }) => Buffer.from(raw)).reverse()).toEqual(entries)
      expect(letters.every(({ reason }) => reason.includes('no message envelope'))).toBe(true)
      await worker.stop()
      await app.close()
    })

    it('passes over what is broken on the channels of events and commands', async () => {
      await redis.flushdb()
      const { app, worker } = await serve(url)
      const db = redis.options.db
      for (const channel of [`/${db}.celery.pidbox`, `/${db}.celeryev/worker.online`]) {
        for (const text of ['not JSON', '{}', '{"body": "e30=", "properties": {"body_encoding": "base64"}}']) {
          await redis.publish(channel, text)
        }
      }
      const replies = await app.control.ping({ limit: 1 })
      expect(Object.values(replies)).toEqual([{ ok: 'pong' }])
      await worker.stop()
      await app.close()
    })

    it('gives back what a vanished consumer had taken, once its time is over', async () => {
      await redis.flushdb()
      const entry = await openTransport(url)
      await entry.publish(message('orphan'), defaultExchange, 'celery')
      await entry.close()
      const envelope = (await redis.rpop('celery')) ?? ''
      const { delivery_tag: tag } = JSON.parse(envelope).properties
      await redis.hset('unacked', tag, `[${envelope}, "", "celery"]`)
      await redis.zadd('unacked_index', Date.now() / 1000 - 100, tag)
      const transport = await openTransport(url, { visibilityTimeout: 1 })
      const { promise, resolve } = Promise.withResolvers<Delivery>()
      await transport.consume([taskQueue('celery')], resolve)
      const delivery = await promise
      expect(Buffer.from(delivery.message.body).toString()).toBe('orphan')
      expect(delivery.info.redelivered).toBe(true)
      await delivery.ack()
      await transport.close()
    })

    it('serves any number of queues with two connections', async () => {
      await redis.flushdb()
      const transport = await openTransport(url)
      const queues = ['a', 'b', 'c'].map((name) => taskQueue(name))
      const got: string[] = []
      await transport.consume(queues, ({ queue }) => got.push(queue))
      const clients = String(await redis.client('LIST')).split('\n')
      const own = await redis.client('ID')
      const ofThisDatabase = clients.filter((line) => line.includes(` db=${redis.options.db} `))
      expect(ofThisDatabase.filter((line) => !line.startsWith(`id=${own} `))).toHaveLength(2)
      for (const { name } of queues) {
        await redis.lpush(`${name}\x06\x163`, '{}')
        await until(() => got.at(-1) === name, { describe: `the message of ${name}` })
      }
      await transport.close()
    })

    it('goes on consuming after the connection was cut', async () => {
      await redis.flushdb()
      const happened: string[] = []
      const restored = Promise.withResolvers<void>()
      const transport = await openTransport(url, {
        onEvent: ({ type }) => {
          happened.push(type)
          if (type === 'restored') restored.resolve()
        },
      })
      const { promise, resolve } = Promise.withResolvers<Delivery>()
      await transport.consume([taskQueue('celery')], resolve)
      await cutConnections()
      await restored.promise
      await transport.publish(message('after'), defaultExchange, 'celery')
      expect(Buffer.from((await promise).message.body).toString()).toBe('after')
      expect(happened).toEqual(['lost', 'restored'])
      await transport.close()
    })

    it('keeps and tells a result that comes while the connections are cut', async () => {
      const backend = await openBackend(url)
      const seen = Promise.withResolvers<ResultMeta>()
      await backend.watch('cut', seen.resolve)
      await cutConnections()
      const meta = resultMeta({ task_id: 'cut', status: 'SUCCESS', result: 8 }, 0)
      await backend.store(meta)
      expect(await backend.get('cut')).toEqual(meta)
      expect(await seen.promise).toEqual(meta)
      await backend.close()
    })

    /** Closes the connections to this database, but our own. */
    async function cutConnections(): Promise<void> {
      const own = await redis.client('ID')
      const clients = String(await redis.client('LIST')).split('\n')
      const ids = clients
        .filter((line) => line.includes(` db=${redis.options.db} `))
        .map((line) => /id=(\d+)/.exec(line)?.[1])
      for (const id of ids) if (id && Number(id) !== own) await redis.call('CLIENT', ['KILL', 'ID', id])
    }
  })

  it('that is asked for three thousand results is asked in three calls', async () => {
    const port = await freePort()
    await using server = start('redis-server', ['--port', String(port), '--save', ''])
    await server.until('Ready to accept connections')
    const admin = new Redis(port)
    const backend = await openBackend(`redis://127.0.0.1:${port}`)
    const ids = Array.from({ length: 3_000 }, (_, index) => `of-many-${index}`)
    const seen = new Set<string>()
    const all = Promise.withResolvers<void>()
    const onMeta = ({ task_id }: ResultMeta) => seen.add(task_id).size === ids.length && all.resolve()
    await Promise.all(ids.map((id) => backend.watch(id, onMeta)))
    const statistics = await admin.info('commandstats')
    const asked = (command: string) => Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(statistics)?.[1] ?? 0)
    expect([asked('subscribe'), asked('mget')]).toEqual([3, 3])
    await Promise.all(ids.map((id) => backend.store(resultMeta({ task_id: id, status: 'SUCCESS' }, 0))))
    await all.promise
    await backend.close()
    admin.disconnect()
  })

  it('that is out of memory refuses a message in words', async () => {
    const port = await freePort()
    await using server = start('redis-server', ['--port', String(port), '--save', '', '--maxmemory', '1'])
    await server.until('Ready to accept connections')
    const transport = await openTransport(`redis://127.0.0.1:${port}`)
    await expect(transport.publish(message('x'), defaultExchange, 'celery')).rejects.toMatchObject({
      code: 'BROKER_FULL',
      message: expect.stringContaining('OOM'),
    })
    await transport.close()
  })

  it('that refuses to give is asked once a second, and what it said is told once', async () => {
    const port = await freePort()
    await using server = start('redis-server', ['--port', String(port), '--save', ''])
    await server.until('Ready to accept connections')
    const admin = new Redis(port)
    const clock = new ManualClock()
    const records: LogRecord[] = []
    const log = createLogger((record) => records.push(record))
    const transport = await openTransport(`redis://127.0.0.1:${port}`, { clock, log })
    const { promise, resolve } = Promise.withResolvers<Delivery>()
    await transport.consume([taskQueue('celery')], resolve)
    const refusals = async () => Number(/errorstat_NOPERM:count=(\d+)/.exec(await admin.info('errorstats'))?.[1] ?? 0)
    await admin.call('ACL', 'SETUSER', 'default', '-evalsha')
    await admin.lpush('celery', '{}')
    await until(() => records.some(({ level }) => level === 'warning'), { describe: 'the warning' })
    const once = await refusals()
    await admin.ping()
    expect(await refusals()).toBe(once)
    clock.advance(1_000)
    await until(async () => (await refusals()) > once, { describe: 'the next attempt' })
    expect(records.map(({ message }) => message)).toEqual([expect.stringMatching(/^cannot take from celery: NOPERM/)])
    await admin.call('ACL', 'SETUSER', 'default', '+evalsha')
    clock.advance(1_000)
    await (await promise).ack()
    await transport.close()
    admin.disconnect()
  })

  it('that is not there is named without its password', async () => {
    await expect(openTransport('redis://:secret@127.0.0.1:1/0')).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
      message: expect.stringMatching(/^cannot reach redis:\/\/:\*\*@127\.0\.0\.1:1\/0: connect ECONNREFUSED/),
    })
  })

  it('that wants another password says so', async () => {
    const address = url.replace('redis://', 'redis://nobody:wrong@')
    await expect(openTransport(address)).rejects.toMatchObject({ code: 'LOGIN_REFUSED' })
  })
})

interface Envelope extends Record<string, unknown> {
  properties: Record<string, unknown>
}

function set(target: Record<string, unknown>, key: string, value: unknown): void {
  target[key] = value
}

async function serve(url: string): Promise<{ app: Celery; worker: Worker }> {
  const app = new Celery('test', { brokerUrl: url, resultBackend: url })
  app.task('tasks.add', (x: number, y: number) => x + y)
  const worker = new Worker(app, { hostname: `w-${randomUUID()}@test` })
  await worker.start()
  return { app, worker }
}

const message = (body: string): Message => ({
  headers: { id: randomUUID() },
  properties: { deliveryMode: 2, priority: 0 },
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  body: Buffer.from(body),
})
