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

export interface DispatcherOptions {
  hostname: string
  clock: LamportClock
  now: () => number
  /** Events of tasks go together, at the next turn of the event loop. @default false */
  batchesTasks?: boolean
}

/** So many at most, as Celery has it. */
const largestBatch = 24

export function createDispatcher(transport: Transport, options: DispatcherOptions): Dispatcher {
  const { hostname, clock, now, batchesTasks = false } = options
  const exchange = eventExchange(transport.name)
  const utcoffset = Math.floor(new Date().getTimezoneOffset() / 60)
  const batch: Event[] = []
  let turn: NodeJS.Immediate | undefined
  let leaving: Promise<unknown> = Promise.resolve()

  const publish = (body: Event | readonly Event[], routingKey: string) => {
    const sent = transport.publish(encodeEvent(body, hostname), exchange, routingKey).catch(() => {})
    leaving = Promise.all([leaving, sent])
  }
  const publishBatch = () => {
    clearImmediate(turn)
    turn = undefined
    if (batch.length > 0) publish(batch.splice(0), 'task.multi')
  }
  const join = (event: Event) => {
    batch.push(event)
    if (batch.length >= largestBatch) publishBatch()
    else turn ??= setImmediate(publishBatch)
  }

  return {
    hostname,
    send(type, fields = {}) {
      const common = { hostname, utcoffset, pid: process.pid, clock: clock.forward() }
      const event: Event = { ...common, ...fields, timestamp: now() / 1000, type }
      if (batchesTasks && type.startsWith('task-')) join(event)
      else publish(event, eventRoutingKey(type))
    },
    async flush() {
      publishBatch()
      await leaving
    },
  }
}
