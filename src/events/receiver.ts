import { randomUUID } from 'node:crypto'
import { decodeEvents, type Event, eventQueue } from '../protocol/event.ts'
import type { LamportClock } from '../protocol/lamport.ts'
import type { Consumer, Transport } from '../transport/transport.ts'

/** An event as it came here. */
export interface ReceivedEvent extends Event {
  /** Epoch seconds by the clock of this process. */
  local_received: number
}

export interface ReceiverOptions {
  readonly clock: LamportClock
  readonly now: () => number
  /** Chooses by routing key: `worker.#`, `task.#`. @default '#', all */
  readonly pattern?: string
}

/** Hears the events of all nodes from now on, each once and in order of arrival. */
export function receiveEvents(
  transport: Transport,
  { clock, now, pattern = '#' }: ReceiverOptions,
  onEvent: (event: ReceivedEvent) => void,
): Promise<Consumer> {
  return transport.consume([eventQueue(randomUUID(), transport.name, pattern)], ({ message }) => {
    for (const event of decodeEvents(message)) {
      onEvent({ ...event, clock: tick(event, clock), local_received: now() / 1000 })
    }
  })
}

/** Who sends tasks hears nobody, so the clock of `task-sent` says nothing: it counts as just before now. */
function tick({ type, clock: told }: Event, clock: LamportClock): number {
  if (type === 'task-sent' || typeof told !== 'number') return Math.max(0, clock.value - 1)
  clock.adjust(told)
  return told
}
