import type { ConsumeMessage, Options } from 'amqplib'
import type { Message, MessageProperties } from '../../protocol/message.ts'

export function publishOptions({ headers, properties, contentType, contentEncoding }: Message): Options.Publish {
  const { correlationId, replyTo, deliveryMode, priority, expiration } = properties
  return {
    headers,
    contentType,
    contentEncoding,
    deliveryMode,
    priority,
    ...(correlationId !== undefined && { correlationId }),
    ...(replyTo !== undefined && { replyTo }),
    ...(expiration !== undefined && { expiration }),
  }
}

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
