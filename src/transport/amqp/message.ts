import type { ConsumeMessage, Options } from 'amqplib'
import type { Message, MessageProperties } from '../../protocol/message.ts'

export function publishOptions({ headers, properties, contentType, contentEncoding }: Message): Options.Publish {
  const { correlationId, replyTo, deliveryMode, priority, expiration } = properties
  return {
    headers: table(headers),
    contentType,
    contentEncoding,
    deliveryMode,
    priority,
    ...(correlationId !== undefined && { correlationId }),
    ...(replyTo !== undefined && { replyTo }),
    ...(expiration !== undefined && { expiration }),
  }
}

const table = (headers: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, field(value)]))

/** Python's client takes an integer of 16 bits for a text, and one of 8 for unsigned; amqplib writes others when told to. */
function field(value: unknown): unknown {
  if (typeof value === 'number') return isSmall(value) ? { '!': 'int32', value } : value
  if (Array.isArray(value)) return value.map(field)
  const isTable = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  return isTable ? table(value) : value
}

const isSmall = (value: number) => Number.isInteger(value) && value >= -0x8000 && value < 0x8000

export function decodeMessage({ content, properties }: ConsumeMessage): Message {
  return {
    headers: properties.headers ?? {},
    properties: decodeProperties(properties),
    contentType: properties.contentType ?? '',
    contentEncoding: properties.contentEncoding ?? 'utf-8',
    body: content,
  }
}

function decodeProperties(given: ConsumeMessage['properties']): MessageProperties {
  return {
    deliveryMode: given.deliveryMode === 1 ? 1 : 2,
    priority: given.priority ?? 0,
    ...(given.correlationId !== undefined && { correlationId: given.correlationId }),
    ...(given.replyTo !== undefined && { replyTo: given.replyTo }),
    ...(given.expiration !== undefined && { expiration: String(given.expiration) }),
  }
}
