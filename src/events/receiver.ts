import { randomUUID } from 'node:crypto'
import { decodeEvents, type Event, eventQueue } from '../protocol/event.ts'
import type { LamportClock } from '../protocol/lamport.ts'
import type { Consumer, Transport } from '../transport/transport.ts'

/**
 * Hears the events of all nodes from now on, each once and in order of arrival.
 *
 * @param pattern chooses by routing key: `#` (default) for all, `worker.#`, `task.#`
 */
export function receiveEvents(
  transport: Transport,
  clock: LamportClock,
  onEvent: (event: Event) => void,
  pattern = '#',
): Promise<Consumer> {
  return transport.consume([eventQueue(randomUUID(), transport.name, pattern)], ({ message }) => {
    for (const event of decodeEvents(message)) {
      if (typeof event.clock === 'number') clock.adjust(event.clock)
      onEvent(event)
    }
  })
}
