import type { Channel, GetMessage } from 'amqplib'
import { defaultExchange, taskQueue } from '../../protocol/entity.ts'
import { isObject } from '../../protocol/json.ts'
import type { Message } from '../../protocol/message.ts'
import { type DeadLetter, maxDeadLetters } from '../transport.ts'

/** Where AMQP keeps what nobody could carry out. */
export const deadLetterQueue = taskQueue('celery-sandbox.dead-letter', {
  exchange: defaultExchange,
  arguments: { 'x-max-length': maxDeadLetters },
})

export const look = (channel: Channel) => channel.get(deadLetterQueue.name, { noAck: false })

/** The body as it was; the headers and what became of it in headers of ours. It must not expire a second time. */
export function asDeadLetter(
  message: Message,
  { reason, time, queue }: { reason: string; time: string; queue: string },
): Message {
  const { expiration: _, ...properties } = message.properties
  return {
    ...message,
    properties: { ...properties, deliveryMode: 2 },
    headers: {
      'x-dead-letter-reason': reason,
      'x-dead-letter-time': time,
      'x-dead-letter-queue': queue,
      'x-dead-letter-headers': message.headers,
    },
  }
}

export function readDeadLetter({ content, properties }: GetMessage): DeadLetter {
  const given = properties.headers ?? {}
  const headers: unknown = given['x-dead-letter-headers']
  return {
    reason: String(given['x-dead-letter-reason'] ?? ''),
    time: String(given['x-dead-letter-time'] ?? ''),
    queue: String(given['x-dead-letter-queue'] ?? ''),
    headers: isObject(headers) ? headers : {},
    raw: content,
  }
}
