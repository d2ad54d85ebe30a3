import { createRequire } from 'node:module'
import { CeleryError, messageOf } from '../errors.ts'
import { dumps, loads } from './json.ts'

/** One way to turn a value into bytes and back. */
export interface Serializer {
  /** Celery's name for it: `json` … */
  readonly name: string
  readonly contentType: string
  readonly contentEncoding: 'utf-8' | 'binary'
  encode(value: unknown): Uint8Array
  decode(bytes: Uint8Array): unknown
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

const json: Serializer = {
  name: 'json',
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  encode: (value) => Buffer.from(dumps(value)),
  decode: (bytes) => loads(utf8.decode(bytes)),
}

// Only a message of that kind pays for the library.
const require = createRequire(import.meta.url)
const yamlLibrary = () => require('yaml') as typeof import('yaml')
const msgpackLibrary = () => require('@msgpack/msgpack') as typeof import('@msgpack/msgpack')

const yaml: Serializer = {
  name: 'yaml',
  contentType: 'application/x-yaml',
  contentEncoding: 'utf-8',
  encode: (value) => Buffer.from(yamlLibrary().stringify(value)),
  // Python's safe_load is YAML 1.1; aliases are limited, so that a small text cannot grow without end.
  decode: (bytes) => yamlLibrary().parse(utf8.decode(bytes), { version: '1.1', maxAliasCount: 100 }),
}

const msgpack: Serializer = {
  name: 'msgpack',
  contentType: 'application/x-msgpack',
  contentEncoding: 'binary',
  encode: (value) => msgpackLibrary().encode(value, { ignoreUndefined: true }),
  decode: (bytes) => msgpackLibrary().decode(bytes),
}

const serializers: readonly Serializer[] = [json, yaml, msgpack]

/**
 * @param name a serializer's name or content type
 * @throws {CeleryError} CONTENT_DISALLOWED when it is unknown here or not among `accept`.
 */
export function serializerFor(name: string, accept: readonly string[] = ['json']): Serializer {
  const found = serializers.find((s) => s.name === name || s.contentType === name)
  if (found && (accept.includes(found.name) || accept.includes(found.contentType))) return found
  const allowed = `accepted here: ${accept.join(', ')}`
  throw new CeleryError('CONTENT_DISALLOWED', `content of type '${name}' is refused (${allowed})`)
}

/** @throws {CeleryError} ENCODE_ERROR naming what could not be encoded. */
export function encode(serializer: Serializer, value: unknown, what: string): Uint8Array {
  try {
    return serializer.encode(value)
  } catch (cause) {
    throw new CeleryError('ENCODE_ERROR', `cannot send ${what} as ${serializer.name}: ${messageOf(cause)}`, { cause })
  }
}

/** @throws {CeleryError} DECODE_ERROR when the bytes are not what the content type says. */
export function decode(serializer: Serializer, bytes: Uint8Array, what: string): unknown {
  try {
    return serializer.decode(bytes)
  } catch (cause) {
    throw new CeleryError('DECODE_ERROR', `${what} is not ${serializer.contentType}: ${messageOf(cause)}`, { cause })
  }
}
