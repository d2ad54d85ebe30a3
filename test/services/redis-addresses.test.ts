import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GivenSettings } from '../../src/app/config.ts'
import { Celery } from '../../src/celery.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import { defaultExchange, exchange, taskQueue } from '../../src/protocol/entity.ts'
import { resultMeta } from '../../src/protocol/result-meta.ts'
import { openTransport } from '../../src/transport/open.ts'
import { Worker } from '../../src/worker/worker.ts'
import { freshRedisUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'
import { freePort } from '../support/port.ts'
import { type Program, run, start } from '../support/process.ts'
import { pythonClient } from '../support/python/client.ts'
import { startPythonWorker } from '../support/python/worker.ts'
import { until } from '../support/wait.ts'

describeWith(['redis', 'python'], 'a Redis that is reached', () => {
  let directory: string
  const inDirectory = (name: string) => join(directory, name)
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'celery-sandbox-addresses-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  async function startRedis(...args: string[]): Promise<Program> {
    const server = start('redis-server', ['--dir', directory, '--save', '', '--bind', '127.0.0.1', ...args])
    await server.until('eady to accept connections')
    return server
  }

  /** A call there and back. */
  async function works(brokerUrl: string, settings: GivenSettings = {}): Promise<void> {
    const app = new Celery('test', { brokerUrl, resultBackend: `memory://${randomUUID()}`, ...settings })
    app.task('tasks.add', (x: number, y: number) => x + y)
    const worker = new Worker(app, { hostname: 'w@test' })
    await worker.start()
    expect(await app.sendTask('tasks.add', { args: [1, 2] }).get({ timeout: 10 })).toBe(3)
    await worker.stop()
    await app.close()
  }

  describe('over TLS', () => {
    let port: number
    let server: Program
    beforeAll(async () => {
      const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
      const files = ['-keyout', inDirectory('key.pem'), '-out', inDirectory('cert.pem')]
      const made = await run('openssl', [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '2',
        ...names,
        ...files,
      ])
      expect(made.code, made.stderr).toBe(0)
      port = await freePort()
      const certificate = ['--tls-cert-file', inDirectory('cert.pem'), '--tls-key-file', inDirectory('key.pem')]
      const ports = ['--port', '0', '--tls-port', String(port)]
      server = await startRedis(...ports, ...certificate, '--tls-ca-cert-file', inDirectory('cert.pem'))
    })
    afterAll(() => server.stop())

    it('works with its certificate and one of ours, and refuses a certificate that nobody vouches for', async () => {
      const own = `ssl_ca_certs=${inDirectory('cert.pem')}&ssl_certfile=${inDirectory('cert.pem')}&ssl_keyfile=${inDirectory('key.pem')}`
      await works(`rediss://127.0.0.1:${port}/0?ssl_cert_reqs=required&${own}`)
      await works(`rediss://127.0.0.1:${port}/0?ssl_cert_reqs=CERT_NONE&${own}`)
      await expect(openTransport(`rediss://127.0.0.1:${port}/0`)).rejects.toMatchObject({
        code: 'BROKER_UNREACHABLE',
        message: expect.stringContaining('self-signed certificate'),
      })
    })

    it('says which file or demand is wrong', async () => {
      await expect(openTransport(`rediss://127.0.0.1:${port}/0?ssl_ca_certs=/nowhere.pem`)).rejects.toMatchObject({
        code: 'IMPROPERLY_CONFIGURED',
        message: expect.stringContaining('ssl_ca_certs of the address cannot be read: ENOENT'),
      })
      await expect(openTransport(`rediss://127.0.0.1:${port}/0?ssl_cert_reqs=perhaps`)).rejects.toMatchObject({
        code: 'IMPROPERLY_CONFIGURED',
        message: expect.stringContaining("as 'perhaps'; there are required"),
      })
    })
  })

  it('through a socket file works, with a database and a password', async () => {
    const path = inDirectory('redis.sock')
    await using _server = await startRedis('--port', '0', '--unixsocket', path, '--requirepass', 'secret')
    await works(`redis+socket://:secret@${path}?virtual_host=3`)
    const redis = new Redis({ path, password: 'secret', db: 3 })
    expect(await redis.keys('_kombu.binding.celery')).toEqual(['_kombu.binding.celery'])
    redis.disconnect()
  })

  it('that went away leaves no timer behind when its transport is closed', async () => {
    const port = await freePort()
    const server = await startRedis('--port', String(port))
    const timers = new Set<object>()
    const clock: Clock = {
      now: systemClock.now,
      timer(run, delayMs) {
        const timer = systemClock.timer(() => {
          timers.delete(timer)
          run()
        }, delayMs)
        timers.add(timer)
        const cancel = () => {
          timers.delete(timer)
          timer.cancel()
        }
        return { cancel }
      },
    }
    const lost = Promise.withResolvers<void>()
    const onEvent = ({ type }: { type: string }) => type === 'lost' && lost.resolve()
    const transport = await openTransport(`redis://127.0.0.1:${port}`, { clock, onEvent })
    const control = exchange('control', 'fanout')
    await transport.consume([taskQueue('celery'), taskQueue('own', { exchange: control, noAck: true })], () => {})
    await server.stop()
    await lost.promise
    await transport.close()
    await until(() => timers.size === 0, { describe: () => `no timer; there are ${timers.size}` })
  })

  it('through sentinels is the master they name', async () => {
    const [master, sentinel] = await Promise.all([freePort(), freePort()])
    await using _master = await startRedis('--port', String(master))
    const configuration = inDirectory('sentinel.conf')
    await writeFile(
      configuration,
      `port ${sentinel}\nbind 127.0.0.1\ndir ${directory}\nsentinel monitor mymaster 127.0.0.1 ${master} 1\n`,
    )
    await using watcher = start('redis-server', [configuration, '--sentinel'])
    await watcher.until('+monitor master mymaster')
    // The first does not answer, so the second is asked.
    const address = `sentinel://127.0.0.1:${await freePort()}/2;sentinel://127.0.0.1:${sentinel}`
    await works(address, { brokerTransportOptions: { masterName: 'mymaster' } })
    const redis = new Redis(master, { db: 2 })
    expect(await redis.exists('_kombu.binding.celery')).toBe(1)
    redis.disconnect()
    const own = { masterName: 'mymaster', globalKeyprefix: 'team-a' }
    const app = new Celery('test', {
      brokerUrl: 'memory://',
      resultBackend: address,
      resultBackendTransportOptions: own,
    })
    const meta = resultMeta({ task_id: 'a1', status: 'SUCCESS', result: 8 }, 0)
    await (await app.backend()).store(meta)
    expect(await app.asyncResult('a1').get({ timeout: 5 })).toBe(8)
    await app.close()
    const other = new Redis(master, { db: 2 })
    expect(await other.exists('team-a_celery-task-meta-a1')).toBe(1)
    other.disconnect()
    await expect(openTransport(address)).rejects.toMatchObject({
      code: 'IMPROPERLY_CONFIGURED',
      next: expect.stringContaining('masterName'),
    })
  })

  describe('with a prefix before every key', () => {
    const settings = { broker_transport_options: { global_keyprefix: 'team-a:' } }
    const brokerTransportOptions = { globalKeyprefix: 'team-a:' }

    it('keeps all keys under it, and Python finds them', async () => {
      const url = await freshRedisUrl()
      const backend = await freshRedisUrl()
      const app = new Celery('test', { brokerUrl: url, resultBackend: backend, brokerTransportOptions })
      app.task('tasks.add', (x: number, y: number) => x + y)
      const worker = new Worker(app, { hostname: 'ts@test', queues: ['typescript'] })
      await worker.start()
      await using python = await pythonClient({ broker: url, backend, settings })
      expect(await python.eval("add.apply_async((20, 22), queue='typescript', priority=6).get(timeout=10)")).toBe(42)
      expect(await python.eval('app.control.ping(timeout=2)')).toEqual([{ 'ts@test': { ok: 'pong' } }])
      await using _worker = await startPythonWorker({ broker: url, backend, settings, queues: ['python'] })
      expect(await app.sendTask('tasks.mul', { args: [6, 7], queue: 'python' }).get({ timeout: 10 })).toBe(42)
      const redis = new Redis(url)
      const keys = await redis.keys('*')
      expect(keys.length).toBeGreaterThan(0)
      expect(keys.filter((key) => !key.startsWith('team-a:'))).toEqual([])
      redis.disconnect()
      await worker.stop()
      await app.close()
    })
  })

  it('looks at queues in the order that was asked for', async () => {
    for (const [strategy, order] of [
      ['sorted', ['a', 'a', 'b', 'b']],
      ['priority', ['b', 'b', 'a', 'a']],
    ] as const) {
      const transport = await openTransport(await freshRedisUrl(), { queueOrderStrategy: strategy })
      const queues = [taskQueue('b'), taskQueue('a')]
      for (const name of ['a', 'b', 'a', 'b']) await transport.publish(message, defaultExchange, name)
      const got: string[] = []
      await transport.consume(
        queues,
        (delivery) => {
          got.push(delivery.queue)
          void delivery.ack()
        },
        { prefetch: 1 },
      )
      await until(() => got.length === 4, { describe: 'all four' })
      expect(got).toEqual(order)
      await transport.close()
    }
  })

  it('keeps a list for each of the priorities that were asked for', async () => {
    const url = await freshRedisUrl()
    const transport = await openTransport(url, { prioritySteps: [0, 5], sep: ':' })
    for (const priority of [0, 4, 5, 9]) {
      await transport.publish({ ...message, properties: { deliveryMode: 2, priority } }, defaultExchange, 'celery')
    }
    const redis = new Redis(url)
    expect([await redis.llen('celery'), await redis.llen('celery:5'), await transport.size('celery')]).toEqual([
      2, 2, 4,
    ])
    redis.disconnect()
    await transport.close()
  })

  it('refuses a headers exchange with the reason', async () => {
    const transport = await openTransport(await freshRedisUrl())
    const queue = taskQueue('q', { exchange: exchange('by-headers', 'headers') })
    await expect(transport.publish(message, queue.exchange, 'q')).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    await expect(transport.declare(queue)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining("the headers exchange 'by-headers' does not work on Redis"),
    })
    await transport.close()
  })
})

const message = {
  headers: {},
  properties: { deliveryMode: 2, priority: 0 },
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  body: Buffer.from('x'),
} as const
