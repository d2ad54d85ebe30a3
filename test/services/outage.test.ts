import { afterEach, beforeEach, expect, it } from 'vitest'
import { controlQueue } from '../../src/protocol/control.ts'
import { defaultExchange, taskQueue } from '../../src/protocol/entity.ts'
import type { Message } from '../../src/protocol/message.ts'
import { openTransport } from '../../src/transport/open.ts'
import type { TransportEvent } from '../../src/transport/transport.ts'
import { freshAmqpUrl } from '../support/fresh.ts'
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

/** The beginning of AMQP's method channel.close. */
const channelClose = Buffer.of(0, 20, 0, 40)

const message = (body: string): Message => ({
  headers: {},
  properties: { deliveryMode: 2, priority: 0 },
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  body: Buffer.from(body),
})
