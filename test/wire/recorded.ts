import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decompress } from '../../src/protocol/compression.ts'
import type { Message } from '../../src/protocol/message.ts'
import { serializerFor } from '../../src/protocol/serializer.ts'
import { decodeEnvelope } from '../../src/transport/redis/envelope.ts'

/** Recordings of a real Celery 5.6 (kombu 5.6, Redis 7.0, RabbitMQ 3.10), as messages. */

export function recording<T>(path: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'recordings', path), 'utf8'))
}

interface RedisCase {
  broker_db: Record<string, { type: string; value: string[] }>
}

/** The message lists of one case as they lay in Redis: key → envelopes. */
export function redisLists(name: string): Record<string, string[]> {
  const { broker_db: db } = recording<Record<string, RedisCase>>('redis/publish.json')[name] ?? { broker_db: {} }
  return Object.fromEntries(
    Object.entries(db)
      .filter(([, { type }]) => type === 'list')
      .map(([key, { value }]) => [key, value]),
  )
}

export interface AmqpMessage {
  properties: Record<string, unknown> & { application_headers: Record<string, unknown> }
  delivery_info: { exchange: string; routing_key: string }
  body: string | { base64: string }
}

export function amqpMessages(name: string): AmqpMessage[] {
  return recording<Record<string, { messages?: AmqpMessage[] }>>('amqp/publish.json')[name]?.messages ?? []
}

/** What two publishers of the same call must agree on: everything but ids, times, host and language. */
export function comparable(message: Message): unknown {
  const { lang, id, root_id, origin, eta, expires, ...headers } = message.headers
  const { correlationId, replyTo, ...properties } = message.properties
  return {
    headers: {
      ...headers,
      lang: typeof lang,
      id: typeof id,
      root_id: root_id === id ? 'own id' : root_id,
      origin: String(origin).replace(/\d+@.*/, 'PID@HOST'),
      eta: timeForm(eta),
      expires: timeForm(expires),
    },
    order: Object.keys(message.headers),
    properties: {
      ...properties,
      correlationId: correlationId === id ? 'own id' : correlationId,
      replyTo: typeof replyTo,
    },
    contentType: message.contentType,
    contentEncoding: message.contentEncoding,
    body: decodeBody(message),
  }
}

function decodeBody({ headers, contentType, body }: Message): unknown {
  const bytes = typeof headers.compression === 'string' ? decompress(body, headers.compression) : body
  return serializerFor(contentType, [contentType]).decode(bytes)
}

const timeForm = (time: unknown) => (typeof time === 'string' ? time.replace(/\d/g, '9') : time)

export const fromEnvelope = (text: string): Message => decodeEnvelope(Buffer.from(text)).message

export function fromAmqp({ properties, body }: AmqpMessage): Message {
  const { application_headers: headers, content_type, content_encoding, correlation_id, reply_to, ...rest } = properties
  return {
    headers,
    properties: {
      deliveryMode: rest.delivery_mode === 1 ? 1 : 2,
      priority: Number(rest.priority),
      correlationId: String(correlation_id),
      replyTo: String(reply_to),
      ...(rest.expiration !== undefined && { expiration: String(rest.expiration) }),
    },
    contentType: String(content_type),
    contentEncoding: String(content_encoding),
    body: typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.base64, 'base64'),
  }
}
