import { type Event, encodeEvent, eventExchange, eventRoutingKey } from '../protocol/event.ts'
import type { LamportClock } from '../protocol/lamport.ts'
import type { Transport } from '../transport/transport.ts'

/** Tells monitors what happens on a node. Events are news, not records: one that cannot be sent is dropped. */
export interface Dispatcher {
  readonly hostname: string
  send(type: string, fields?: Record<string, unknown>): void
  /** Resolves when everything sent so far has left. */
  flush(): Promise<void>
}

interface DispatcherOptions {
  hostname: string
  clock: LamportClock
  now: () => number
}

export function createDispatcher(transport: Transport, { hostname, clock, now }: DispatcherOptions): Dispatcher {
  const exchange = eventExchange(transport.name)
  const utcoffset = Math.floor(new Date().getTimezoneOffset() / 60)
  let leaving: Promise<unknown> = Promise.resolve()
  return {
    hostname,
    send(type, fields = {}) {
      const event: Event = {
        hostname,
        utcoffset,
        pid: process.pid,
        clock: clock.forward(),
        ...fields,
        timestamp: now() / 1000,
        type,
      }
      const sent = transport.publish(encodeEvent(event, hostname), exchange, eventRoutingKey(type)).catch(() => {})
      leaving = Promise.all([leaving, sent])
    },
    flush: async () => void (await leaving),
  }
}
