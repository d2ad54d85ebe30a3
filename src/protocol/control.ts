import { type Exchange, exchange, type Queue, transientQueue } from './entity.ts'
import { dumps, isObject, loads } from './json.ts'
import type { Message } from './message.ts'

/** A command to workers (kombu's pidbox). */
export interface ControlRequest {
  method: string
  arguments: Record<string, unknown>
  /** Node names; null means everybody. */
  destination: string[] | null
  pattern: string | null
  matcher: string | null
  /** Present when a reply is wanted. */
  ticket?: string
  reply_to?: { exchange: string; routing_key: string }
}

/** One node's answer: `{nodename: result}`. */
export type ControlReply = Record<string, unknown>

export const controlExchange: Exchange = exchange('celery.pidbox', 'fanout', { durable: false })

export const replyExchange: Exchange = exchangeOfReply('reply.celery.pidbox')

/** Replies go to the exchange that the request names. */
export function exchangeOfReply(name: string): Exchange {
  return exchange(name, 'direct', { durable: false })
}

const mailboxOptions = { messageTtlMs: 300_000, expiresMs: 10_000 }

/** Where a worker hears commands. */
export function controlQueue(nodename: string): Queue {
  return transientQueue(`${nodename}.celery.pidbox`, controlExchange, '', mailboxOptions)
}

/** Where a client hears replies. */
export function replyQueue(oid: string): Queue {
  return transientQueue(`${oid}.reply.celery.pidbox`, replyExchange, oid, mailboxOptions)
}

export function encodeControl(request: ControlRequest, headers: { clock: number; expires: number }): Message {
  return encode(request, headers, 2)
}

export function encodeReply(reply: ControlReply, headers: { ticket: string; clock: number }): Message {
  return encode(reply, headers, 1)
}

/** Undefined when it is no command. */
export function decodeControl(message: Message): ControlRequest | undefined {
  const body = decode(message)
  if (typeof body?.method !== 'string') return undefined
  const { arguments: args, destination, pattern, matcher, ticket, reply_to: replyTo } = body
  return {
    method: body.method,
    arguments: isObject(args) ? args : {},
    destination: Array.isArray(destination) ? destination.map(String) : null,
    pattern: typeof pattern === 'string' ? pattern : null,
    matcher: typeof matcher === 'string' ? matcher : null,
    ...(typeof ticket === 'string' && { ticket }),
    ...(isObject(replyTo) && {
      reply_to: { exchange: String(replyTo.exchange), routing_key: String(replyTo.routing_key) },
    }),
  }
}

/** Undefined when it is no reply. */
export const decodeReply = (message: Message): ControlReply | undefined => decode(message)

function encode(body: object, headers: Record<string, unknown>, deliveryMode: 1 | 2): Message {
  return {
    headers,
    properties: { deliveryMode, priority: 0 },
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    body: Buffer.from(dumps(body)),
  }
}

function decode(message: Message): Record<string, unknown> | undefined {
  try {
    const body = loads(Buffer.from(message.body).toString())
    return isObject(body) ? body : undefined
  } catch {
    return undefined
  }
}
