import { randomUUID } from 'node:crypto'
import { type Clock, sleep } from '../clock.ts'
import {
  type ControlReply,
  controlExchange,
  decodeReply,
  encodeControl,
  replyExchange,
  replyQueue,
} from '../protocol/control.ts'
import type { LamportClock } from '../protocol/lamport.ts'
import type { Transport } from '../transport/transport.ts'

export interface BroadcastOptions {
  arguments?: Record<string, unknown>
  /** Node names; by default everyone. */
  destination?: readonly string[]
  /** Milliseconds to wait for answers; default 1000, as Celery's. */
  timeoutMs?: number
  /** Enough answers; by default one of each destination. */
  limit?: number
  /** Ends the waiting: the answers so far are the result. */
  signal?: AbortSignal
}

export interface ControlClient {
  /** Sends a command and collects the answers, by node name. */
  ask(method: string, options?: BroadcastOptions): Promise<ControlReply>
  /** Sends a command that nobody answers. */
  tell(method: string, options?: BroadcastOptions): Promise<void>
}

export function createControlClient(transport: Transport, clock: Clock, lamport: LamportClock): ControlClient {
  const send = (method: string, options: BroadcastOptions, reply?: { ticket: string; oid: string }) => {
    const expires = (clock.now() + (options.timeoutMs ?? 1_000)) / 1000
    const request = {
      method,
      arguments: options.arguments ?? {},
      destination: options.destination ? [...options.destination] : null,
      pattern: null,
      matcher: null,
      ...(reply && { ticket: reply.ticket, reply_to: { exchange: replyExchange.name, routing_key: reply.oid } }),
    }
    return transport.publish(encodeControl(request, { clock: lamport.forward(), expires }), controlExchange, '')
  }

  return {
    tell: (method, options = {}) => send(method, options),

    async ask(method, options = {}) {
      const [ticket, oid] = [randomUUID(), randomUUID()]
      const enough = options.limit ?? options.destination?.length ?? Number.POSITIVE_INFINITY
      const replies: ControlReply = {}
      const answered = new AbortController()
      const enoughWaited = options.signal ? AbortSignal.any([answered.signal, options.signal]) : answered.signal
      const consumer = await transport.consume([replyQueue(oid)], ({ message }) => {
        if (message.headers.ticket !== ticket) return
        if (typeof message.headers.clock === 'number') lamport.adjust(message.headers.clock)
        Object.assign(replies, decodeReply(message))
        if (Object.keys(replies).length >= enough) answered.abort()
      })
      try {
        await send(method, options, { ticket, oid })
        await sleep(clock, options.timeoutMs ?? 1_000, enoughWaited).catch(() => {})
      } finally {
        await consumer.cancel()
      }
      return replies
    },
  }
}
