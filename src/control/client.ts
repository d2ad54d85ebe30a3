import { randomUUID } from 'node:crypto'
import { type Clock, sleep } from '../clock.ts'
import { Once } from '../once.ts'
import {
  type ControlReply,
  controlExchange,
  decodeReply,
  encodeControl,
  replyExchange,
  replyQueue,
} from '../protocol/control.ts'
import type { LamportClock } from '../protocol/lamport.ts'
import type { Message } from '../protocol/message.ts'
import type { Transport } from '../transport/transport.ts'

export interface BroadcastOptions {
  arguments?: Record<string, unknown>
  /** Node names; by default everyone. */
  destination?: readonly string[]
  /** Only nodes whose name fits. */
  pattern?: string
  /** @default 'glob' when there is a pattern */
  matcher?: 'glob' | 'pcre'
  /** Milliseconds to wait for answers; default 1000, as Celery's. */
  timeoutMs?: number
  /** Enough answers; by default one of each destination, or of each that hears it, where the broker tells. */
  limit?: number
  /** So many of those that hear it will not answer. @default 0 */
  silent?: number
  /** Ends the waiting: the answers so far are the result. */
  signal?: AbortSignal
  /** Told of each answer as it comes. */
  onReply?: (node: string, reply: unknown) => void
}

export interface ControlClient {
  /** Sends a command and collects the answers, by node name. */
  ask(method: string, options?: BroadcastOptions): Promise<ControlReply>
  /** Sends a command that nobody answers. */
  tell(method: string, options?: BroadcastOptions): Promise<void>
  /** Hears no answers any more, until the next question. */
  close(): Promise<void>
}

/** Commands over a transport; what it needs of the broker is made with the first question, and goes with the transport. */
export function createControlClient(transport: Transport, clock: Clock, lamport: LamportClock): ControlClient {
  const oid = randomUUID()
  const waiting = new Map<string, (message: Message) => void>()
  const mailbox = new Once(() =>
    transport.consume([replyQueue(oid)], ({ message }) => waiting.get(String(message.headers.ticket))?.(message)),
  )

  const send = (method: string, options: BroadcastOptions, ticket?: string) => {
    const { destination, pattern = null, matcher = pattern && 'glob', timeoutMs = 1_000 } = options
    const request = {
      method,
      arguments: options.arguments ?? {},
      destination: destination ? [...destination] : null,
      ...{ pattern, matcher },
      ...(ticket && { ticket, reply_to: { exchange: replyExchange.name, routing_key: oid } }),
    }
    const expires = (clock.now() + timeoutMs) / 1000
    return transport.publish(encodeControl(request, { clock: lamport.forward(), expires }), controlExchange, '')
  }

  return {
    tell: async (method, options = {}) => void (await send(method, options)),
    close: async () => void (await (await mailbox.forget())?.cancel()),

    async ask(method, options = {}) {
      const { timeoutMs = 1_000, silent = 0, signal } = options
      const ticket = randomUUID()
      const replies: ControlReply = {}
      let enough = options.limit ?? options.destination?.length ?? Number.POSITIVE_INFINITY
      const answered = new AbortController()
      const look = () => void (Object.keys(replies).length >= enough && answered.abort())
      await mailbox.get()
      waiting.set(ticket, (message) => {
        if (typeof message.headers.clock === 'number') lamport.adjust(message.headers.clock)
        const reply = decodeReply(message) ?? {}
        Object.assign(replies, reply)
        for (const [node, said] of Object.entries(reply)) options.onReply?.(node, said)
        look()
      })
      try {
        const heard = await send(method, options, ticket)
        enough = Math.min(enough, (heard ?? Number.POSITIVE_INFINITY) - silent)
        look()
        const end = signal ? AbortSignal.any([answered.signal, signal]) : answered.signal
        await sleep(clock, timeoutMs, end).catch(() => {})
      } finally {
        waiting.delete(ticket)
      }
      return replies
    },
  }
}
