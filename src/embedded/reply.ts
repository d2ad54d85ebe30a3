import { RedisError } from './redis-error.ts'

/**
 * What a command answers. A string is a bulk string: one character per byte (latin1), so that any bytes pass and a
 * string's length is its size. A Map, a Set and the tagged kinds have their own types in RESP3 and fall back in RESP2.
 */
export type Reply = string | number | bigint | null | RedisError | readonly Reply[] | ReplyMap | ReplySet | Tagged

type ReplyMap = ReadonlyMap<string, Reply>
type ReplySet = ReadonlySet<string>

type Tagged =
  | { readonly kind: 'status'; readonly text: string }
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'null-array' }
  /** Text for people: INFO, CLIENT LIST. */
  | { readonly kind: 'verbatim'; readonly text: string }
  /** Out of band: a published message, a confirmed subscription. */
  | { readonly kind: 'push'; readonly items: readonly Reply[] }
  /** Lists of two each: nested in RESP3, one flat list in RESP2. */
  | { readonly kind: 'pairs'; readonly pairs: readonly (readonly [Reply, Reply])[] }
  /** Several replies to one command, in a row. */
  | { readonly kind: 'sequence'; readonly replies: readonly Reply[] }

export type Protocol = 2 | 3

/** A word from the server, not from the data: `OK`, `QUEUED`. */
export const status = (text: string): Reply => ({ kind: 'status', text })
export const double = (value: number): Reply => ({ kind: 'double', value })
export const verbatim = (text: string): Reply => ({ kind: 'verbatim', text })
export const push = (...items: Reply[]): Reply => ({ kind: 'push', items })
export const pairs = (list: readonly (readonly [Reply, Reply])[]): Reply => ({ kind: 'pairs', pairs: list })
export const sequence = (replies: readonly Reply[]): Reply => ({ kind: 'sequence', replies })

export const ok = status('OK')
export const queued = status('QUEUED')
/** RESP2 knows two nothings, a missing string (`null`) and a missing list; RESP3 writes both as null. */
export const nullArray: Reply = { kind: 'null-array' }

/** The reply's bytes, one character each. */
export function encode(reply: Reply, protocol: Protocol): string {
  if (typeof reply === 'string') return `$${reply.length}\r\n${reply}\r\n`
  if (typeof reply === 'number' || typeof reply === 'bigint') return `:${reply}\r\n`
  if (reply === null) return protocol === 3 ? '_\r\n' : '$-1\r\n'
  if (reply instanceof RedisError) return `-${singleLine(reply.message)}\r\n`
  if (reply instanceof Map) return encodeMap(reply, protocol)
  if (reply instanceof Set) return encodeList(protocol === 3 ? '~' : '*', [...reply], protocol)
  if ('kind' in reply) return encodeTagged(reply, protocol)
  return encodeList('*', reply as readonly Reply[], protocol)
}

function encodeTagged(reply: Tagged, protocol: Protocol): string {
  switch (reply.kind) {
    case 'status':
      return `+${singleLine(reply.text)}\r\n`
    case 'double':
      return protocol === 3 ? `,${formatDouble(reply.value)}\r\n` : encode(formatDouble(reply.value), 2)
    case 'null-array':
      return protocol === 3 ? '_\r\n' : '*-1\r\n'
    case 'verbatim':
      return protocol === 3 ? `=${reply.text.length + 4}\r\ntxt:${reply.text}\r\n` : encode(reply.text, 2)
    case 'push':
      return encodeList(protocol === 3 ? '>' : '*', reply.items, protocol)
    case 'pairs':
      return encodeList('*', protocol === 3 ? reply.pairs : reply.pairs.flat(), protocol)
    case 'sequence':
      return reply.replies.map((each) => encode(each, protocol)).join('')
  }
}

function encodeList(type: string, items: readonly Reply[], protocol: Protocol): string {
  let text = `${type}${items.length}\r\n`
  for (const item of items) text += encode(item, protocol)
  return text
}

function encodeMap(map: ReplyMap, protocol: Protocol): string {
  let text = protocol === 3 ? `%${map.size}\r\n` : `*${map.size * 2}\r\n`
  for (const [key, value] of map) text += encode(key, protocol) + encode(value, protocol)
  return text
}

/** Shortest form that reads back the same, as Redis writes it since 7.2. */
export function formatDouble(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value)
  return value > 0 ? 'inf' : '-inf'
}

function singleLine(text: string): string {
  return text.replace(/[\r\n]/g, ' ')
}
