import type { LamportClock } from '../protocol/lamport.ts'
import type { Consumer, Transport } from '../transport/transport.ts'
import { Cluster, type ClusterOptions } from './cluster.ts'
import { createDispatcher } from './dispatcher.ts'
import { type ReceivedEvent, receiveEvents } from './receiver.ts'

export type EventHandler = (event: ReceivedEvent) => void

/** What is told of which events, by type; `*` of all that no other handler is for. */
export type EventHandlers = Readonly<Record<string, EventHandler>>

export interface ReceiveOptions {
  /** Chooses by routing key: `worker.#`, `task.#`. @default '#', all */
  readonly pattern?: string
  /** Ask workers for a heartbeat, so that they show at once. @default true */
  readonly wakeup?: boolean
}

interface EventsSource {
  transport(): Promise<Transport>
  /** Asks workers for a heartbeat. */
  wake(): Promise<unknown>
  readonly hostname: string
  readonly lamport: LamportClock
  readonly now: () => number
}

/** What happens in a cluster: Celery's `app.events`. */
export class Events {
  readonly #source: EventsSource

  constructor(source: EventsSource) {
    this.#source = source
  }

  /**
   * Hears what all nodes tell, from now until it is cancelled. Workers tell of tasks only with `-E`.
   *
   * @example
   * const cluster = app.events.cluster()
   * const listening = await app.events.receive((event) => cluster.event(event))
   * await app.events.receive({ 'task-failed': ({ uuid, exception }) => console.log(uuid, exception) })
   * await listening.cancel()
   */
  async receive(handlers: EventHandler | EventHandlers, options: ReceiveOptions = {}): Promise<Consumer> {
    const { lamport: clock, now } = this.#source
    const { pattern = '#', wakeup = true } = options
    const handle = typeof handlers === 'function' ? handlers : byType(handlers)
    const listening = await receiveEvents(await this.#source.transport(), { clock, now, pattern }, handle)
    if (wakeup) await this.#source.wake()
    return listening
  }

  /** Tells monitors something; what stands before the first dash of the type is its group. */
  async send(type: string, fields: Record<string, unknown> = {}): Promise<void> {
    const { hostname, lamport: clock, now } = this.#source
    const dispatcher = createDispatcher(await this.#source.transport(), { hostname, clock, now })
    dispatcher.send(type, fields)
    await dispatcher.flush()
  }

  /** An empty picture of workers and tasks, for events to be painted in: Celery's `app.events.State`. */
  cluster(options: ClusterOptions = {}): Cluster {
    return new Cluster(options)
  }
}

const byType =
  (handlers: EventHandlers): EventHandler =>
  (event) => {
    const handler = Object.hasOwn(handlers, event.type) ? handlers[event.type] : handlers['*']
    handler?.(event)
  }
