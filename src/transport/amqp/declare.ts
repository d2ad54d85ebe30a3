import type { Channel } from 'amqplib'
import { delayedBindingKey, delayLevels, deliveryExchange } from '../../protocol/delayed-delivery.ts'
import type { Exchange, Queue, QueueType } from '../../protocol/entity.ts'

export async function declareOn(channel: Channel, queue: Queue): Promise<void> {
  const { exchange, durable, autoDelete, exclusive, messageTtlMs, expiresMs, maxPriority, queueType } = queue
  await channel.assertQueue(queue.name, {
    durable,
    autoDelete,
    exclusive,
    ...(messageTtlMs !== undefined && { messageTtl: messageTtlMs }),
    ...(expiresMs !== undefined && { expires: expiresMs }),
    ...(maxPriority !== undefined && { maxPriority }),
    arguments: { ...(queueType && { 'x-queue-type': queueType }), ...queue.arguments },
  })
  if (exchange.name === '') return
  await declareExchange(channel, exchange)
  await channel.bindQueue(queue.name, exchange.name, queue.routingKey, queue.bindingArguments)
}

const declareExchange = (channel: Channel, { name, type, durable }: Exchange) =>
  channel.assertExchange(name, type, { durable })

/** All that holds messages for later, and the way from there to the queues. */
export async function declareDelays(channel: Channel, queues: readonly Queue[], type: QueueType) {
  const levels = delayLevels(type)
  await Promise.all(
    [deliveryExchange, ...levels.map(({ exchange }) => exchange)].map((one) => declareExchange(channel, one)),
  )
  for (const { exchange, next, waitsFor, goesPast, queueArguments } of levels) {
    await channel.assertQueue(exchange.name, { durable: true, arguments: queueArguments })
    await channel.bindQueue(exchange.name, exchange.name, waitsFor)
    await channel.bindExchange(next.name, exchange.name, goesPast)
  }
  for (const { name, exchange, routingKey } of queues) {
    await channel.bindExchange(exchange.name, deliveryExchange.name, delayedBindingKey(routingKey))
    await channel.bindQueue(name, exchange.name, delayedBindingKey(routingKey))
  }
}
