import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBackend } from '../../src/backend/open.ts'
import { Celery } from '../../src/celery.ts'
import { createLogger, type LogRecord } from '../../src/log.ts'
import { controlExchange, controlQueue } from '../../src/protocol/control.ts'
import { defaultExchange, taskQueue } from '../../src/protocol/entity.ts'
import type { Message } from '../../src/protocol/message.ts'
import { resultMeta } from '../../src/protocol/result-meta.ts'
import { taskMessage } from '../../src/protocol/task-message.ts'
import { openTransport } from '../../src/transport/open.ts'
import type { TransportEvent } from '../../src/transport/transport.ts'
import { Worker } from '../../src/worker/worker.ts'
import { freshAmqpUrl, freshRedisUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/wait.ts'

describeWith(['rabbitmq'], 'while RabbitMQ is away for a moment', () => {
  let direct: string
  let url: string
  let proxy: Awaited<ReturnType<typeof startProxy>>
  let isSilent: boolean
  let closedChannels: number
  beforeEach(async () => {
    direct = await freshAmqpUrl()
    isSilent = false
    closedChannels = 0
    proxy = await startProxy(Number(new URL(direct).port), {
      toServer: (data) => {
        if (data.includes(channelClose)) closedChannels += 1
        return !isSilent
      },
    })
    url = Object.assign(new URL(direct), { port: String(proxy.port) }).href
  })
  afterEach(() => proxy.stop())

  describe('a worker', () => {
    let app: Celery
    let client: Celery
    let worker: Worker
    let records: LogRecord[]
    const has = (text: string, count = 1) =>
      until(() => records.filter((record) => record.message.includes(text)).length >= count, {
        describe: () => `${count} × "${text}" in:\n${records.map(({ message }) => message).join('\n')}`,
      })

    beforeEach(() => {
      records = []
      const settings = { resultBackend: `memory://${randomUUID()}` }
      app = new Celery('worker', { ...settings, brokerUrl: url })
      client = new Celery('client', { ...settings, brokerUrl: direct })
    })
    afterEach(async () => {
      await worker.stop()
      await app.close()
      expect(await (await client.transport()).size('celery'), 'messages left').toBe(0)
      await client.close()
    })

    async function serve(concurrency = 1) {
      worker = new Worker(app, { concurrency, log: createLogger((record) => records.push(record)) })
      await worker.start()
    }

    async function cutAndMend(meanwhile: () => unknown = () => {}) {
      proxy.cut()
      await has('Connection to broker lost')
      await meanwhile()
      proxy.mend()
      await has('Connected to', 2)
    }

    it('runs what stood in line once, after the broker has given it again', async () => {
      const begun: number[] = []
      const gate = Promise.withResolvers<void>()
      app.task('wait', async (n: number) => {
        begun.push(n)
        if (n === 1) await gate.promise
        return n
      })
      await serve()
      const send = (n: number) => client.sendTask('wait', { args: [n] })
      const results = [send(1)]
      await until(() => begun.length === 1, { describe: 'the first to begin' })
      results.push(send(2), send(3))
      await has('received', 3)
      await cutAndMend(async () => {
        gate.resolve()
        await has('succeeded')
        await has('Letting go of', 2)
        expect(begun).toEqual([1])
      })
      expect(await Promise.all(results.map((result) => result.get({ timeout: 10 })))).toEqual([1, 2, 3])
      expect(begun.sort()).toEqual([1, 2, 3])
    })

    it('runs what waits for its time once, though it is delivered twice', async () => {
      let runs = 0
      app.task('later', () => ++runs)
      await serve()
      const eta = new Date(Date.now() + 3_000)
      const result = client.sendTask('later', { eta })
      await has('received')
      await cutAndMend()
      expect(await result.get({ timeout: 10 })).toBe(1)
      expect(records.filter(({ message }) => message.includes('received'))).toHaveLength(1)
    })

    it('acknowledges a late task with the copy that came while it ran', async () => {
      const gate = Promise.withResolvers<void>()
      let runs = 0
      const late = async () => {
        runs += 1
        await gate.promise
      }
      app.task('late', late, { acksLate: true })
      await serve(2)
      const result = client.sendTask('late')
      await until(() => runs === 1, { describe: 'the task to run' })
      await cutAndMend()
      // The copy is there when what was sent after the outage is done.
      app.task('next', () => true)
      await client.sendTask('next').get({ timeout: 10 })
      gate.resolve()
      await result.get({ timeout: 10 })
      expect(runs).toBe(1)
    })

    it('starts beside another of its name, says so, and both carry out commands', async () => {
      app.task('add', (x: number, y: number) => x + y)
      await serve()
      const twin = new Worker(app, { log: createLogger((record) => records.push(record)) })
      await twin.start()
      await has(`A node named ${twin.hostname} is already using this process mailbox!`)
      await client.control.revoke('unwanted', { destination: [twin.hostname] })
      const unwanted = taskMessage({ task: 'add', id: 'unwanted' })
      const isRevoked = ({ state }: Worker) => state.isRevoked(unwanted)
      await until(() => [worker, twin].every(isRevoked), { describe: 'both to know what is revoked' })
      await twin.stop()
    })
  })

  it('what cannot be published is refused in time, and not sent when the broker is back', async () => {
    const queue = taskQueue('orders')
    const events: TransportEvent['type'][] = []
    const transport = await openTransport(url, {
      connectTimeoutMs: 2_000,
      confirmTimeout: 0.1,
      onEvent: ({ type }) => events.push(type),
    })
    await transport.declare(queue)
    proxy.cut()
    await until(() => events.includes('lost'), { describe: 'the loss' })
    await expect(transport.publish(message('late'), defaultExchange, queue.name)).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
    })
    proxy.mend()
    await until(() => events.includes('restored'), { describe: 'the connection' })
    await transport.publish(message('next'), defaultExchange, queue.name)
    expect(await transport.size(queue.name)).toBe(1)
    await transport.close()
  })

  it('whatever else is asked of the broker is refused in time', async () => {
    const lost = Promise.withResolvers<void>()
    const transport = await openTransport(url, {
      connectTimeoutMs: 500,
      onEvent: ({ type }) => type === 'lost' && lost.resolve(),
    })
    proxy.cut()
    await lost.promise
    const refused = { code: 'BROKER_UNREACHABLE', message: expect.stringContaining('no connection for 500 ms') }
    await expect(transport.declare(taskQueue('orders'))).rejects.toMatchObject(refused)
    await expect(transport.consume([taskQueue('orders')], () => {})).rejects.toMatchObject(refused)
    await expect(transport.size('orders')).rejects.toMatchObject(refused)
    await expect(transport.publish(message('x'), defaultExchange, 'orders')).rejects.toMatchObject(refused)
    await transport.close()
  })

  it('a transport closes, though the broker says nothing any more', async () => {
    const transport = await openTransport(url, { connectTimeoutMs: 500 })
    await transport.consume([taskQueue('orders')], () => {})
    isSilent = true
    await transport.close()
  })

  it('a consumer that takes without acknowledging gives its channel back when it is cancelled', async () => {
    const transport = await openTransport(url)
    const consumer = await transport.consume([controlQueue('w1@test')], () => {})
    expect(closedChannels).toBe(0)
    await consumer.cancel()
    expect(closedChannels).toBe(1)
    await transport.close()
  })

  it('a consumer whose queue another has taken meanwhile waits for it alone, and tells it once', async () => {
    const records: LogRecord[] = []
    const restored = Promise.withResolvers<void>()
    const transport = await openTransport(url, {
      log: createLogger((record) => records.push(record)),
      onEvent: ({ type }) => type === 'restored' && restored.resolve(),
    })
    const heard = Promise.withResolvers<void>()
    const got = Promise.withResolvers<void>()
    const mailbox = controlQueue('w1@test')
    await transport.consume([mailbox], () => heard.resolve())
    await transport.consume([taskQueue('orders')], () => got.resolve())
    proxy.cut()
    const other = await openTransport(direct)
    const take = () => other.consume([mailbox], () => {}).catch(() => undefined)
    await until(take, { describe: 'the broker to notice the loss' })
    proxy.mend()
    await restored.promise
    await other.publish(message('x'), defaultExchange, 'orders')
    await got.promise
    await other.close()
    const asking = await openTransport(direct)
    const send = setInterval(() => asking.publish(message('ping'), controlExchange, '').catch(() => {}), 50)
    await heard.promise
    clearInterval(send)
    expect(records.filter(({ level }) => level === 'error').map((record) => record.message)).toEqual([
      expect.stringContaining('RESOURCE_LOCKED'),
    ])
    await asking.close()
    await transport.close()
  })

  it('a limit beyond what AMQP can say is no limit', async () => {
    const transport = await openTransport(url)
    const got: string[] = []
    const consumer = await transport.consume(
      [taskQueue('orders')],
      ({ message }) => got.push(Buffer.from(message.body).toString()),
      { prefetch: 70_000 },
    )
    await consumer.setPrefetch(65_536)
    await transport.publish(message('x'), defaultExchange, 'orders')
    await until(() => got.length === 1, { describe: 'the message' })
    await transport.close()
  })
})

describeWith(['redis'], 'on Redis', () => {
  it('a line that went dead without a word is replaced', async () => {
    const direct = await freshRedisUrl()
    let isSilent = false
    const proxy = await startProxy(Number(new URL(direct).port), { toServer: () => !isSilent })
    const url = Object.assign(new URL(direct), { port: String(proxy.port) }).href
    const events: string[] = []
    const transport = await openTransport(url, {
      healthCheckInterval: 0.2,
      onEvent: ({ type }) => events.push(type),
    })
    const got = Promise.withResolvers<string>()
    const heard = Promise.withResolvers<string>()
    const textOf = (message: Message) => Buffer.from(message.body).toString()
    await transport.consume([taskQueue('orders')], (delivery) => got.resolve(textOf(delivery.message)))
    await transport.consume([controlQueue('w1@test')], (delivery) => heard.resolve(textOf(delivery.message)))
    const before = proxy.connections
    isSilent = true
    await until(() => proxy.connections >= 2 * before, { describe: 'every connection to be replaced' })
    isSilent = false
    await until(() => events.includes('restored'), { describe: 'the connection' })
    const other = await openTransport(direct)
    await other.publish(message('x'), defaultExchange, 'orders')
    expect(await got.promise).toBe('x')
    const publishing = setInterval(() => other.publish(message('ping'), controlExchange, '').catch(() => {}), 50)
    expect(await heard.promise).toBe('ping')
    clearInterval(publishing)
    await other.close()
    await transport.close()
    await proxy.stop()
  })

  it('who waits for a result on a line that went dead without a word gets it', async () => {
    const direct = await freshRedisUrl()
    let isSilent = false
    const proxy = await startProxy(Number(new URL(direct).port), { toServer: () => !isSilent })
    const url = Object.assign(new URL(direct), { port: String(proxy.port) }).href
    const backend = await openBackend(url, { healthCheckInterval: 0.2 })
    const other = await openBackend(direct)
    const told = Promise.withResolvers<unknown>()
    await backend.watch('a', ({ result }) => told.resolve(result))
    const before = proxy.connections
    isSilent = true
    await other.store(resultMeta({ task_id: 'a', status: 'SUCCESS', result: 3 }, 0))
    await until(() => proxy.connections >= 2 * before, { describe: 'every connection to be replaced' })
    isSilent = false
    expect(await told.promise).toBe(3)
    await other.close()
    await backend.close()
    await proxy.stop()
  })

  it('a message that another worker put back while it waits here is the same task', async () => {
    const url = await freshRedisUrl()
    const redis = new Redis(url)
    const app = new Celery('worker', { brokerUrl: url, resultBackend: url, workerPrefetchMultiplier: 1 })
    let runs = 0
    app.task('later', () => ++runs)
    app.task('next', () => true)
    const worker = new Worker(app, { concurrency: 1 })
    await worker.start()
    const result = app.sendTask('later', { eta: new Date(Date.now() + 2_000) })
    const claimed = async () => (await redis.zrange('unacked_index', 0, '-1'))[0]
    const tag = await until(claimed, { describe: 'the claim' })
    await until(() => worker.state.reserved.size === 1, { describe: 'the request' })
    // As kombu restores what it takes for abandoned.
    const [envelope] = JSON.parse((await redis.hget('unacked', tag)) ?? '')
    envelope.headers.redelivered = true
    envelope.properties.delivery_info.redelivered = true
    await redis.multi().zrem('unacked_index', tag).hdel('unacked', tag).rpush('celery', JSON.stringify(envelope)).exec()
    await until(async () => (await claimed()) !== undefined, { describe: 'the second claim' })
    await app.sendTask('next').get({ timeout: 10 })
    expect(await result.get({ timeout: 10 })).toBe(1)
    await until(async () => (await claimed()) === undefined, { describe: 'the acknowledgement' })
    await worker.stop()
    expect([runs, await redis.llen('celery')]).toEqual([1, 0])
    await app.close()
    redis.disconnect()
  })
})

/** The beginning of AMQP's method channel.close. */
const channelClose = Buffer.of(0, 20, 0, 40)

const message = (body: string): Message => ({
  headers: {},
  properties: { deliveryMode: 2, priority: 0 },
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  body: Buffer.from(body),
})
