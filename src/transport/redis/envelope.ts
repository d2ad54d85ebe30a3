import { CeleryError } from '../../errors.ts'
import { dumps, isObject, loads } from '../../protocol/json.ts'
import type { DeliveryInfo, Message, MessageProperties } from '../../protocol/message.ts'

/** A message in kombu's Redis form: one JSON text, the body inside as base64 (§4.1). */
export function encodeEnvelope(message: Message, exchange: string, routingKey: string, deliveryTag: string): string {
  const { correlationId, replyTo, deliveryMode, priority, expiration, others } = message.properties
  return dumps({
    body: Buffer.from(message.body).toString('base64'),
    'content-encoding': message.contentEncoding,
    'content-type': message.contentType,
    headers: message.headers,
    properties: {
      ...others,
      ...(correlationId !== undefined && { correlation_id: correlationId }),
      ...(replyTo !== undefined && { reply_to: replyTo }),
      delivery_mode: deliveryMode,
      ...(expiration !== undefined && { expiration }),
      delivery_info: { exchange, routing_key: routingKey },
      priority,
      body_encoding: 'base64',
      delivery_tag: deliveryTag,
    },
  })
}

export interface Envelope {
  readonly message: Message
  readonly info: DeliveryInfo
}

/** @throws {CeleryError} DECODE_ERROR when it is no envelope. */
export function decodeEnvelope(text: string): Envelope {
  const envelope = parse(text)
  const headers = isObject(envelope.headers) ? envelope.headers : {}
  const properties = isObject(envelope.properties) ? envelope.properties : {}
  const info = isObject(properties.delivery_info) ? properties.delivery_info : {}
  const priority = typeof properties.priority === 'number' ? properties.priority : 0
  const { redelivered, ...own } = headers
  return {
    message: {
      headers: own,
      properties: readProperties(properties, priority),
      contentType: String(envelope['content-type'] ?? ''),
      contentEncoding: String(envelope['content-encoding'] ?? 'utf-8'),
      body: readBody(envelope.body, properties.body_encoding),
    },
    info: {
      exchange: String(info.exchange ?? ''),
      routingKey: String(info.routing_key ?? ''),
      priority,
      redelivered: redelivered === true || info.redelivered === true,
    },
  }
}

/** The same envelope, marked as one that was delivered before. */
export function markRedelivered(text: string): string {
  const envelope = parse(text)
  if (isObject(envelope.headers)) envelope.headers.redelivered = true
  if (isObject(envelope.properties) && isObject(envelope.properties.delivery_info)) {
    envelope.properties.delivery_info.redelivered = true
  }
  return dumps(envelope)
}

function parse(text: string): Record<string, unknown> {
  try {
    const envelope = loads(text)
    if (isObject(envelope)) return envelope
  } catch (cause) {
    throw new CeleryError('DECODE_ERROR', 'a list entry of the queue is not JSON', { cause })
  }
  throw new CeleryError('DECODE_ERROR', 'a list entry of the queue is no message envelope')
}

const known = new Set(
  `correlation_id reply_to delivery_mode expiration delivery_info priority body_encoding delivery_tag`.split(' '),
)

function readProperties(properties: Record<string, unknown>, priority: number): MessageProperties {
  const { correlation_id: correlationId, reply_to: replyTo, expiration } = properties
  const others = Object.entries(properties).filter(([name]) => !known.has(name))
  return {
    deliveryMode: properties.delivery_mode === 1 ? 1 : 2,
    priority,
    ...(typeof correlationId === 'string' && { correlationId }),
    ...(typeof replyTo === 'string' && { replyTo }),
    ...(expiration !== undefined && { expiration: String(expiration) }),
    ...(others.length > 0 && { others: Object.fromEntries(others) }),
  }
}

function readBody(body: unknown, encoding: unknown): Uint8Array {
  return Buffer.from(String(body ?? ''), encoding === 'base64' ? 'base64' : 'utf8')
}
