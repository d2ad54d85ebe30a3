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

/** What two publishers of the same calls must agree on: everything but times, host and language; ids by their place. */
export function comparable(messages: readonly Message[]): unknown {
  return withoutIds(
    messages.map((message) => {
      const { lang, origin, eta, expires, kwargsrepr, ...headers } = message.headers
      return {
        headers: {
          ...headers,
          lang: typeof lang,
          origin: String(origin).replace(/\d+@.*/, 'PID@HOST'),
          eta: timeForm(eta),
          expires: timeForm(expires),
          // A tuple is a list here.
          kwargsrepr: String(kwargsrepr).replaceAll('(', '[').replaceAll(')', ']'),
        },
        order: Object.keys(message.headers),
        properties: message.properties,
        contentType: message.contentType,
        contentEncoding: message.contentEncoding,
        body: withoutPlace(decodeBody(message)),
      }
    }),
  )
}

/** The same with each id replaced by a number, the same one wherever it is; keys in one order. */
export function withoutIds(value: unknown): unknown {
  const ids = new Map<string, number>()
  const nameOf = (id: string) => `id ${ids.get(id) ?? ids.set(id, ids.size).size - 1}`
  return mapDeep(value, (leaf) =>
    typeof leaf === 'string' ? leaf.replace(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, nameOf) : leaf,
  )
}

// Celery notes in the header of a chord that has not begun what whoever begins it notes again.
const place = ['chord', 'group_index', 'root_id', 'parent_id']

function withoutPlace([args, kwargs, embed]: unknown[]): unknown {
  const forget = ([key, value]: [string, unknown]): [string, unknown] =>
    key === 'options'
      ? [key, Object.fromEntries(Object.entries(value as object).filter(([name]) => !place.includes(name)))]
      : [key, value]
  return [args, kwargs, mapDeep(embed, (leaf) => leaf, forget)]
}

function mapDeep(
  value: unknown,
  onLeaf: (leaf: unknown) => unknown,
  onEntry: (entry: [string, unknown]) => [string, unknown] = (entry) => entry,
): unknown {
  if (Array.isArray(value)) return value.map((item) => mapDeep(item, onLeaf, onEntry))
  if (typeof value !== 'object' || value === null) return onLeaf(value)
  const entries = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(onEntry)
  return Object.fromEntries(entries.map(([key, inner]) => [key, mapDeep(inner, onLeaf, onEntry)]))
}

function decodeBody({ headers, contentType, body }: Message): unknown[] {
  const bytes = typeof headers.compression === 'string' ? decompress(body, headers.compression) : body
  return serializerFor(contentType, [contentType]).decode(bytes) as unknown[]
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
