import { randomUUID } from 'node:crypto'
import { connect, type GetMessage } from 'amqplib'
import { beforeAll, describe, expect, it } from 'vitest'
import { defaultExchange, exchange, taskQueue, transientQueue } from '../../src/protocol/entity.ts'
import type { Message } from '../../src/protocol/message.ts'
import { openTransport } from '../../src/transport/open.ts'
import { backendConformance } from '../conformance/backend.ts'
import { survivesBrokenMessages } from '../conformance/broken-messages.ts'
import { transportConformance } from '../conformance/transport.ts'
import { freshAmqpUrl, manageRabbitmq } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'
import { openRpcAt, rpcCannot } from '../support/rpc.ts'
import { until } from '../support/wait.ts'
import { appAt, calls } from '../wire/calls.ts'
import { type AmqpMessage, amqpMessages, comparable, fromAmqp } from '../wire/recorded.ts'

describeWith(['rabbitmq'], 'RabbitMQ', () => {
  let url = ''
  beforeAll(async () => {
    url = await freshAmqpUrl()
  })

  describe('as a transport', () => transportConformance(() => openTransport(url)))

  describe('as a carrier of results', () => backendConformance((options) => openRpcAt(url, options), rpcCannot))
  describe('as a place for broken messages', () =>
    survivesBrokenMessages(async () => ({ brokerUrl: url, resultBackend: `memory://${randomUUID()}` }), {
      fuzzRuns: 300,
    }))

  it('gets each call as Celery would send it', async () => {
    const connection = await connect(url)
    const channel = await connection.createChannel()
    for (const [name, call] of Object.entries(calls)) {
      const [recorded] = amqpMessages(name)
      if (!recorded) continue
      const queue = recorded.delivery_info.routing_key
      await channel.assertQueue(queue)
      await channel.purgeQueue(queue)
      const app = appAt(url)
      await call(app)
      await app.close()
      const got = await channel.get(queue, { noAck: true })
      if (!got) throw new Error(`${name} did not arrive`)
      expect(comparable(fromAmqp(asRecorded(got)))).toEqual(comparable(fromAmqp(recorded)))
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
