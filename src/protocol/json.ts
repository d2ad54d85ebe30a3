/**
 * JSON as kombu writes and reads it: beyond the standard, `NaN` and `Infinity`, integers of any size, and typed
 * values `{"__type__": "datetime", "__value__": "…"}` (kombu ≥ 5.3).
 *
 * | JavaScript | on the wire | Python |
 * |---|---|---|
 * | Date | `datetime` | aware datetime |
 * | Uint8Array | `bytes`, or `base64` when not UTF-8 | bytes |
 * | bigint | integer | int |
 *
 * Types that JavaScript lacks (`date`, `time`, `decimal`, `uuid`) are read as their text.
 */

/** @throws {TypeError} for what has no such form: functions, symbols, Map, Set, circles. */
export function dumps(value: unknown): string {
  return isPlain(value, 0) ? JSON.stringify(value) : write(value, [])
}

/** @throws {SyntaxError} when it is no JSON even in kombu's sense. */
export function loads(text: string): unknown {
  return needsReviver(text) ? JSON.parse(markSpecialNumbers(text), revive) : JSON.parse(text)
}

/** A JSON object: neither a list nor null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const maxDepth = 1000

/** True when the engine's own writer gives the right text, which is many times faster than ours. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value)
    case 'object':
      if (value === null) return true
      if (depth > maxDepth) return false
      if (Array.isArray(value)) return value.every((item) => isPlain(item, depth + 1))
      return (
        hasPlainPrototype(value) && Object.values(value).every((item) => item === undefined || isPlain(item, depth + 1))
      )
    default:
      return false
  }
}

function hasPlainPrototype(value: object): value is Record<string, unknown> {
  const prototype = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && typeof Reflect.get(value, 'toJSON') !== 'function'
}

function write(value: unknown, path: unknown[]): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : writeSpecialNumber(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value)
  if (value instanceof Date) return typed('datetime', isoDate(value))
  if (value instanceof Uint8Array) return writeBytes(value)
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} cannot be sent as JSON`)
  if (path.includes(value)) throw new TypeError('a circular structure cannot be sent as JSON')
  if ('toJSON' in value && typeof value.toJSON === 'function') return write(value.toJSON(), path)
  return writeContainer(value, [...path, value])
}

function writeContainer(value: object, path: unknown[]): string {
  if (Array.isArray(value)) return `[${value.map((item) => write(item, path)).join(',')}]`
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1)
  if (tag !== 'Object') throw new TypeError(`a ${tag} cannot be sent as JSON; send a plain object or a list`)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${write(member, path)}`).join(',')}}`
}

function writeSpecialNumber(value: number): string {
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity'
}

function writeBytes(bytes: Uint8Array): string {
  try {
    return typed('bytes', new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    return typed('base64', Buffer.from(bytes).toString('base64'))
  }
}

const typed = (type: string, value: string) =>
  `{"__type__":${JSON.stringify(type)},"__value__":${JSON.stringify(value)}}`

// Typed values and "__proto__" (perhaps spelled with escapes), special numbers, integers beyond 2^53. One pattern for
// all of them would be many times slower.
const needsReviver = (text: string) =>
  text.includes('"__') ||
  (text.includes('\\u') && /\\u005f/i.test(text)) ||
  text.includes('NaN') ||
  text.includes('Infinity') ||
  /[:,[\s-]\d{16}/.test(text)

const stringOrSpecial = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g

function markSpecialNumbers(text: string): string {
  if (!/NaN|Infinity/.test(text)) return text
  return text.replace(stringOrSpecial, (token) => (token.startsWith('"') ? token : typed('number', token)))
}

function revive(key: string, value: unknown, context?: { source?: string }): unknown {
  // Dropped: it would set a prototype as soon as someone copies the object by assignment.
  if (key === '__proto__') return undefined
  if (typeof value === 'number' && context?.source) return exactNumber(value, context.source)
  return isTyped(value) ? readTyped(value) : value
}

// An integer whose digits a number cannot keep becomes a bigint.
function exactNumber(value: number, source: string): number | bigint {
  return /^-?\d{16,}$/.test(source) && String(value) !== source ? BigInt(source) : value
}

interface TypedValue {
  __type__: string
  __value__: unknown
}

function isTyped(value: unknown): value is TypedValue {
  return typeof value === 'object' && value !== null && '__type__' in value && '__value__' in value
}

function readTyped(typedValue: TypedValue): unknown {
  const { __type__: type, __value__: value } = typedValue
  if (type === 'uuid' && typeof value === 'object' && value !== null && 'hex' in value) return dashed(String(value.hex))
  if (typeof value !== 'string') return typedValue
  switch (type) {
    case 'datetime':
      return parseIsoDate(value) ?? value
    case 'bytes':
      return new TextEncoder().encode(value)
    case 'base64':
      return new Uint8Array(Buffer.from(value, 'base64'))
    case 'number':
      return Number(value)
    case 'date':
    case 'time':
    case 'decimal':
      return value
    default:
      return typedValue
  }
}

const dashed = (hex: string) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/** `2026-11-20T09:26:13.796000+00:00`: as Python's `datetime.isoformat()` of an aware UTC time. */
export function isoDate(date: Date): string {
  return date.toISOString().replace('Z', '000+00:00')
}

/** Reads an ISO 8601 time; without an offset it is UTC, as a Celery worker takes it. Undefined when it is none. */
export function parseIsoDate(text: string): Date | undefined {
  if (!/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}|$)/.test(text)) return undefined
  const hasOffset = /(Z|[+-]\d{2}:?\d{2})$/i.test(text.slice(10))
  const date = new Date(hasOffset || text.length === 10 ? text : `${text}Z`)
  return Number.isNaN(date.getTime()) ? undefined : date
}
