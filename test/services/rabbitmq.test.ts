import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type GetMessage } from 'amqplib'
import { beforeAll, describe, expect, it } from 'vitest'
import { createLogger, type LogRecord } from '../../src/log.ts'
import { defaultExchange, exchange, taskQueue, transientQueue } from '../../src/protocol/entity.ts'
import type { Message } from '../../src/protocol/message.ts'
import { openTransport } from '../../src/transport/open.ts'
import type { Delivery } from '../../src/transport/transport.ts'
import { backendConformance } from '../conformance/backend.ts'
import { survivesBrokenMessages } from '../conformance/broken-messages.ts'
import { amqpCannot, transportConformance } from '../conformance/transport.ts'
import { freshAmqpUrl, manageRabbitmq } from '../support/fresh.ts'
import { describeWith, parts } from '../support/parts.ts'
import { freePort } from '../support/port.ts'
import { run } from '../support/process.ts'
import { startProxy } from '../support/proxy.ts'
import { openRpcAt, rpcCannot } from '../support/rpc.ts'
import { until } from '../support/wait.ts'
import { appAt, calls } from '../wire/calls.ts'
import { type AmqpMessage, amqpMessages, comparable, fromAmqp } from '../wire/recorded.ts'

describeWith(['rabbitmq'], 'RabbitMQ', () => {
  let url = ''
  beforeAll(async () => {
    url = await freshAmqpUrl()
  })

  describe('as a transport', () =>
    transportConformance(() => openTransport(url, { managerPort: managerPort() }), amqpCannot))

  describe('as a carrier of results', () => backendConformance((options) => openRpcAt(url, options), rpcCannot))
  describe('as a place for broken messages', () =>
    survivesBrokenMessages(async () => ({ brokerUrl: url, resultBackend: `memory://${randomUUID()}` }), {
      fuzzRuns: 300,
    }))

  it('gets each call as Celery would send it', async () => {
    const connection = await connect(url)
    const channel = await connection.createChannel()
    for (const [name, call] of Object.entries(calls)) {
      const recorded = amqpMessages(name)
      const [first] = recorded
      if (!first) continue
      const queue = first.delivery_info.routing_key
      await channel.assertQueue(queue)
      await channel.purgeQueue(queue)
      const app = appAt(url)
      await call(app)
      await app.close()
      const got: AmqpMessage[] = []
      for (const _ of recorded) {
        const message = await channel.get(queue, { noAck: true })
        if (!message) throw new Error(`${name} did not arrive`)
        got.push(asRecorded(message))
      }
      expect(comparable(got.map(fromAmqp))).toEqual(comparable(recorded.map(fromAmqp)))
    }
    await connection.close()
  })

  it('declares a queue as Celery declares it, so that neither meets a 406', async () => {
    const name = `test.${randomUUID()}`
    const transport = await openTransport(url)
    await transport.declare(taskQueue(name))
    const connection = await connect(url)
    const channel = await connection.createChannel()
    await channel.assertExchange(name, 'direct', { durable: true })
    await channel.assertQueue(name, { durable: true })
    await channel.bindQueue(name, name, name)
    await channel.deleteQueue(name)
    await channel.deleteExchange(name)
    await connection.close()
    await transport.close()
  })

  it('that has the queue with other arguments is explained, and the connection stays usable', async () => {
    const name = `test.${randomUUID()}`
    const transport = await openTransport(url)
    await transport.declare(taskQueue(name, { maxPriority: 5 }))
    await expect(transport.declare(taskQueue(name))).rejects.toMatchObject({
      code: 'IMPROPERLY_CONFIGURED',
      message: expect.stringContaining('PRECONDITION'),
    })
    expect(await transport.size(name)).toBe(0)
    await transport.delete(taskQueue(name))
    await transport.close()
  })

  it('takes the most urgent first from a queue with priorities', async () => {
    const queue = taskQueue(`test.${randomUUID()}`, { maxPriority: 9 })
    const transport = await openTransport(url)
    await transport.declare(queue)
    for (const priority of [0, 9, 5]) await transport.publish(message(priority), defaultExchange, queue.name)
    const { promise, resolve } = Promise.withResolvers<number[]>()
    const order: number[] = []
    await transport.consume([queue], ({ info }) => {
      if (order.push(info.priority) === 3) resolve(order)
    })
    expect(await promise).toEqual([9, 5, 0])
    await transport.delete(queue)
    await transport.close()
  })

  it('goes on consuming and publishing after the connection was cut', async () => {
    const queue = taskQueue(`test.${randomUUID()}`)
    const restored = Promise.withResolvers<void>()
    const events: string[] = []
    const transport = await openTransport(url, {
      onEvent: ({ type }) => {
        events.push(type)
        if (type === 'restored') restored.resolve()
      },
    })
    const { promise, resolve } = Promise.withResolvers<string>()
    await transport.consume([queue], (delivery) => resolve(Buffer.from(delivery.message.body).toString()))
    await cutConnections()
    await restored.promise
    await transport.publish(message(1), defaultExchange, queue.name)
    expect(await promise).toBe('1')
    expect(events).toEqual(['lost', 'restored'])
    await transport.delete(queue)
    await transport.close()
  })

  it('does not acknowledge on a new connection what came on the old one', async () => {
    const queue = taskQueue(`test.${randomUUID()}`)
    const restored = Promise.withResolvers<void>()
    const transport = await openTransport(url, { onEvent: ({ type }) => type === 'restored' && restored.resolve() })
    const deliveries: { redelivered: boolean; ack(): Promise<void> }[] = []
    const second = Promise.withResolvers<void>()
    const first = Promise.withResolvers<void>()
    await transport.consume([queue], (delivery) => {
      deliveries.push({ redelivered: delivery.info.redelivered, ack: delivery.ack })
      if (deliveries.length === 1) first.resolve()
      else second.resolve()
    })
    await transport.publish(message(1), defaultExchange, queue.name)
    await first.promise
    await cutConnections()
    await restored.promise
    await second.promise
    await deliveries[0]?.ack()
    await deliveries[1]?.ack()
    expect(deliveries.map(({ redelivered }) => redelivered)).toEqual([false, true])
    await transport.delete(queue)
    await transport.close()
  })

  it('refuses a wrong password and an unknown virtual host in words', async () => {
    const { username, password, host } = new URL(url)
    await expect(openTransport(`amqp://${username}:wrong@${host}//`)).rejects.toMatchObject({
      code: 'LOGIN_REFUSED',
      message: expect.stringContaining(':**@'),
    })
    await expect(openTransport(`amqp://${username}:${password}@${host}/nowhere`)).rejects.toMatchObject({
      code: 'LOGIN_REFUSED',
    })
    await expect(openTransport('amqp://127.0.0.1:1//')).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' })
  })

  it('makes the exchange that it publishes to, so that no channel is lost for it', async () => {
    const events = exchange(`test.${randomUUID()}`, 'topic')
    const transport = await openTransport(url)
    await transport.publish(message(1), events, 'worker.online')
    const { promise, resolve } = Promise.withResolvers<string>()
    const queue = transientQueue(`test.${randomUUID()}`, events, '#')
    await transport.consume([queue], (delivery) => resolve(Buffer.from(delivery.message.body).toString()))
    await transport.publish(message(2), events, 'worker.online')
    expect(await promise).toBe('2')
    await transport.close()
  })

  describe('behind several addresses', () => {
    it('is reached at the first that answers, and at the next when that one goes', async () => {
      const { port } = new URL(url)
      const [first, second] = await Promise.all([startProxy(Number(port)), startProxy(Number(port))])
      const lost = at(url, await freePort())
      const restored = Promise.withResolvers<void>()
      const transport = await openTransport([lost, at(url, first.port), at(url, second.port)].join(';'), {
        onEvent: ({ type }) => type === 'restored' && restored.resolve(),
      })
      const queue = taskQueue(`test.${randomUUID()}`)
      const { promise, resolve } = Promise.withResolvers<string>()
      await transport.consume([queue], (delivery) => resolve(Buffer.from(delivery.message.body).toString()))
      expect([first.connections, second.connections]).toEqual([1, 0])
      await first.stop()
      await restored.promise
      expect(second.connections).toBe(1)
      await transport.publish(message(1), defaultExchange, queue.name)
      expect(await promise).toBe('1')
      await transport.delete(queue)
      await transport.close()
      await second.stop()
    })

    it('is named without passwords when none answers', async () => {
      const [a, b] = [at(url, await freePort()), at(url, await freePort())]
      const error = await openTransport(`${a};${b}`).catch((refused) => refused)
      expect(error).toMatchObject({ code: 'BROKER_UNREACHABLE' })
      expect(error.message).not.toContain(`${new URL(url).password}@`)
    })
  })

  it('works over TLS, and is refused without a certificate that someone vouches for', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'celery-sandbox-amqps-'))
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
    const made = await run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      ...names,
      '-keyout',
      key,
      '-out',
      cert,
    ])
    expect(made.code, made.stderr).toBe(0)
    const proxy = await startProxy(Number(new URL(url).port), {
      tls: { key: await readFile(key), cert: await readFile(cert) },
    })
    const address = at(url, proxy.port).replace('amqp:', 'amqps:')
    const transport = await openTransport(`${address}?cacertfile=${cert}`)
    expect(await transport.size('nobody declared this')).toBe(0)
    await transport.close()
    await expect(openTransport(address)).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
      message: expect.stringContaining('self-signed certificate'),
    })
    await proxy.stop()
    await rm(directory, { recursive: true, force: true })
  })

  it("that closes a consumer's channel gets another one, and delivers again what was not acknowledged", async () => {
    let isSpoilt = false
    // basic.ack of delivery 1 becomes one of delivery 255, which RabbitMQ answers by closing the channel.
    const spoil = (data: Buffer) => {
      const place = isSpoilt ? -1 : data.indexOf(Buffer.of(0, 60, 0, 80))
      if (place === -1) return true
      isSpoilt = true
      data[place + 11] = 255
      return true
    }
    const proxy = await startProxy(Number(new URL(url).port), { toServer: spoil })
    const records: LogRecord[] = []
    const log = createLogger((record) => records.push(record))
    const transport = await openTransport(at(url, proxy.port), { log })
    const queue = taskQueue(`test.${randomUUID()}`)
    const redelivered: boolean[] = []
    await transport.consume([queue], (delivery) => {
      redelivered.push(delivery.info.redelivered)
      void delivery.ack()
    })
    await transport.publish(message(1), defaultExchange, queue.name)
    await until(() => redelivered.length === 2, { describe: 'the second delivery' })
    expect(redelivered).toEqual([false, true])
    expect(records.map((record) => record.message)).toEqual([expect.stringContaining('PRECONDITION_FAILED')])
    expect(proxy.connections).toBe(1)
    await transport.publish(message(2), defaultExchange, queue.name)
    await until(() => redelivered.length === 3, { describe: 'the next message' })
    await transport.delete(queue)
    await transport.close()
    await proxy.stop()
  })

  it('that loses a queue gets it back from its consumer', async () => {
    const queue = taskQueue(`test.${randomUUID()}`)
    const transport = await openTransport(url)
    const { promise, resolve } = Promise.withResolvers<string>()
    await transport.consume([queue], (delivery) => resolve(Buffer.from(delivery.message.body).toString()))
    const other = await openTransport(url)
    await other.delete(queue)
    const vhost = new URL(url).pathname.slice(1)
    await until(async () => manageRabbitmq('GET', `queues/${vhost}/${queue.name}`).catch(() => false), {
      describe: 'the queue to be back',
    })
    await other.publish(message(7), defaultExchange, queue.name)
    expect(await promise).toBe('7')
    await transport.close()
    await other.delete(queue)
    await other.close()
  })

  it('that is blocked is told, and a message that it does not take is refused with the reason', async () => {
    let isStopped = false
    const proxy = await startProxy(Number(new URL(url).port), { toServer: () => !isStopped })
    const events: string[] = []
    const transport = await openTransport(at(url, proxy.port), {
      confirmTimeout: 0.2,
      onEvent: (event) => events.push(event.type === 'blocked' ? `blocked: ${event.reason}` : event.type),
    })
    await transport.publish(message(1), defaultExchange, 'nowhere')
    isStopped = true
    await expect(transport.publish(message(1), defaultExchange, 'nowhere')).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
      message: expect.stringContaining('has not taken a message for 0.2 s'),
    })
    // connection.blocked, as RabbitMQ says it.
    proxy.inject(Buffer.from('\x01\0\0\0\0\0\x0f\0\x0a\0\x3c\x0alow memory\xce', 'latin1'))
    await until(() => events.length > 0, { describe: 'the event' })
    expect(events).toEqual(['blocked: low memory'])
    await expect(transport.publish(message(1), defaultExchange, 'nowhere')).rejects.toMatchObject({
      code: 'BROKER_FULL',
      message: expect.stringContaining('it is blocked, low memory'),
    })
    await proxy.stop()
    await transport.close()
  })

  it('refuses a message beyond its limit in words, and takes the next', async () => {
    const transport = await openTransport(url)
    const body = Buffer.alloc(128 * 1024 * 1024 + 1)
    await expect(transport.publish({ ...message(1), body }, defaultExchange, 'nowhere')).rejects.toMatchObject({
      code: 'ENCODE_ERROR',
      message: expect.stringMatching(/message size \d+ is larger than configured max size \d+/),
    })
    await transport.publish(message(1), defaultExchange, 'nowhere')
    await transport.close()
  })

  it('serves quorum queues, each with the limit of its own that they know', async () => {
    const queue = taskQueue(`test.${randomUUID()}`, { queueType: 'quorum' })
    const transport = await openTransport(url)
    const got: Delivery[] = []
    const consumer = await transport.consume([queue], (delivery) => got.push(delivery), { prefetch: 2 })
    for (const body of [1, 2, 3]) await transport.publish(message(body), defaultExchange, queue.name)
    await until(() => got.length === 2, { describe: 'two messages' })
    expect(await transport.size(queue.name)).toBe(1)
    await consumer.setPrefetch(3)
    await got[0]?.ack()
    await until(() => got.length === 3, { describe: 'the third' })
    const vhost = new URL(url).pathname.slice(1)
    expect(await manageRabbitmq('GET', `queues/${vhost}/${queue.name}`)).toMatchObject({ type: 'quorum' })
    await transport.delete(queue)
    await transport.close()
  })

  /** Closes the connections to this virtual host, as an operator would; the broker takes a moment to list them. */
  async function cutConnections(): Promise<void> {
    const vhost = new URL(url).pathname.slice(1)
    const connections = await until(
      async () => {
        const listed = (await manageRabbitmq('GET', `vhosts/${vhost}/connections`)) as { name: string }[]
        return listed.length > 0 && listed
      },
      { describe: 'RabbitMQ to list the connection' },
    )
    for (const { name } of connections) await manageRabbitmq('DELETE', `connections/${encodeURIComponent(name)}`)
  }
})

const at = (url: string, port: number) => Object.assign(new URL(url), { port: String(port) }).href

const message = (body: number): Message => ({
  headers: {},
  properties: { deliveryMode: 2, priority: body },
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  body: Buffer.from(String(body)),
})

function asRecorded({ content, fields, properties }: GetMessage): AmqpMessage {
  return {
    body: { base64: content.toString('base64') },
    delivery_info: { exchange: fields.exchange, routing_key: fields.routingKey },
    properties: {
      application_headers: properties.headers ?? {},
      content_type: properties.contentType,
      content_encoding: properties.contentEncoding,
      correlation_id: properties.correlationId,
      reply_to: properties.replyTo,
      delivery_mode: properties.deliveryMode,
      priority: properties.priority,
      ...(properties.expiration !== undefined && { expiration: properties.expiration }),
    },
  }
}

const managerPort = () => Number(new URL(parts().rabbitmq.managementUrl).port)
