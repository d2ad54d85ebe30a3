import { CeleryError, messageOf } from '../../errors.ts'
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
  /** The first thing that makes it no envelope; the rest holds what could be read all the same. */
  readonly fault?: CeleryError
}

/** Reads a list entry, whatever it is. */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const envelope = parse(bytes)
  const fault = envelope instanceof CeleryError ? envelope : faultOf(envelope)
  return { ...read(envelope instanceof CeleryError ? {} : envelope), ...(fault && { fault }) }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parse(bytes: Uint8Array): Record<string, unknown> | CeleryError {
  try {
    const envelope = loads(utf8.decode(bytes))
    return isObject(envelope) ? envelope : noEnvelope('it is no JSON object')
  } catch (cause) {
    return noEnvelope(`it is no JSON: ${messageOf(cause)}`, cause)
  }
}

const noEnvelope = (why: string, cause?: unknown) =>
  new CeleryError('DECODE_ERROR', `no message envelope: ${why}`, { cause })

const isText = (value: unknown) => typeof value === 'string'
const isTextOrNothing = (value: unknown) => value === undefined || value === null || isText(value)
const isNumberOrNothing = (value: unknown) => value === undefined || value === null || typeof value === 'number'

/** What kombu needs of an envelope. */
const wanted: readonly [path: string, kind: string, fits: (value: unknown) => boolean][] = [
  ['headers', 'an object', (value) => value === undefined || value === null || isObject(value)],
  ['properties', 'an object', isObject],
  ['properties.delivery_info', 'an object', isObject],
  ['properties.delivery_info.exchange', 'a string', isText],
  ['properties.delivery_info.routing_key', 'a string', isText],
  ['properties.delivery_tag', 'a string', isText],
  ['properties.priority', 'a number', isNumberOrNothing],
  ['properties.correlation_id', 'a string', isTextOrNothing],
  ['properties.reply_to', 'a string', isTextOrNothing],
  ['properties.body_encoding', "'base64' or 'utf-8'", (value) => !value || value === 'base64' || value === 'utf-8'],
  ['content-type', 'a string', isTextOrNothing],
  ['content-encoding', 'a string', isTextOrNothing],
  ['body', 'a string', isText],
]

const fields = wanted.map(([path, kind, fits]) => ({ path, keys: path.split('.'), kind, fits }))

function faultOf(envelope: Record<string, unknown>): CeleryError | undefined {
  const wrong = fields.find(({ keys, fits }) => !fits(at(envelope, keys)))
  if (wrong) return noEnvelope(`\`${wrong.path}\` is not ${wrong.kind}`)
  if (at(envelope, bodyEncoding) !== 'base64' || isBase64(String(envelope.body))) return undefined
  return noEnvelope('`body` is not base64')
}

const bodyEncoding = ['properties', 'body_encoding']

const isBase64 = (text: string) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)

const at = (envelope: unknown, keys: readonly string[]): unknown =>
  keys.reduce((value, key) => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined), envelope)

function read(envelope: Record<string, unknown>): Omit<Envelope, 'fault'> {
  const headers = isObject(envelope.headers) ? envelope.headers : {}
  const properties = isObject(envelope.properties) ? envelope.properties : {}
  const info = isObject(properties.delivery_info) ? properties.delivery_info : {}
  const priority = typeof properties.priority === 'number' ? properties.priority : 0
  const { redelivered, ...own } = headers
  return {
    message: {
      headers: own,
      properties: readProperties(properties, priority),
      contentType: textOr(envelope['content-type'], ''),
      contentEncoding: textOr(envelope['content-encoding'], 'utf-8'),
      body: readBody(envelope.body, properties.body_encoding),
    },
    info: {
      exchange: textOr(info.exchange, ''),
      routingKey: textOr(info.routing_key, ''),
      priority,
      redelivered: redelivered === true || info.redelivered === true,
    },
  }
}

const textOr = (value: unknown, otherwise: string) => (typeof value === 'string' ? value : otherwise)

/** The same envelope, marked as one that was delivered before; what is no envelope stays as it is. */
export function markRedelivered(bytes: Uint8Array): Uint8Array {
  const envelope = parse(bytes)
  if (envelope instanceof CeleryError || faultOf(envelope)) return bytes
  if (isObject(envelope.headers)) envelope.headers.redelivered = true
  if (isObject(envelope.properties) && isObject(envelope.properties.delivery_info)) {
    envelope.properties.delivery_info.redelivered = true
  }
  return Buffer.from(dumps(envelope))
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
    ...((typeof expiration === 'string' || typeof expiration === 'number') && { expiration: String(expiration) }),
    ...(others.length > 0 && { others: Object.fromEntries(others) }),
  }
}

function readBody(body: unknown, encoding: unknown): Uint8Array {
  return Buffer.from(textOr(body, ''), encoding === 'base64' ? 'base64' : 'utf8')
}
