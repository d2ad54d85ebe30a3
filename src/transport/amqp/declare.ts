import type { Channel } from 'amqplib'
import type { Queue } from '../../protocol/entity.ts'

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
  await channel.assertExchange(exchange.name, exchange.type, { durable: exchange.durable })
  await channel.bindQueue(queue.name, exchange.name, queue.routingKey, queue.bindingArguments)
}
