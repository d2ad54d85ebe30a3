import { type Exchange, exchange, type Queue, transientQueue } from './entity.ts'
import { isObject, isoDate, loads } from './json.ts'
import type { Message } from './message.ts'
import type { TaskMessage } from './task-message.ts'

/** Something that happened, as monitors hear it. Further fields depend on the type. */
export interface Event {
  type: string
  /** Epoch seconds. */
  timestamp: number
  /** Node name of the sender. */
  hostname: string
  pid: number
  /** Lamport clock of the sender. */
  clock: number
  /** Hours WEST of Greenwich, as Python's `time.timezone // 3600`. */
  utcoffset: number
  [field: string]: unknown
}

/** The exchange of events: topic, but fanout where the transport routes by publish and subscribe (Redis). */
export function eventExchange(transport: string): Exchange {
  return exchange('celeryev', transport === 'redis' ? 'fanout' : 'topic')
}

/** A monitor's own mailbox. `pattern` chooses by routing key: `#` for all, `worker.#` … */
export function eventQueue(id: string, transport: string, pattern = '#'): Queue {
  const options = { messageTtlMs: 5_000, expiresMs: 60_000 }
  return transientQueue(`celeryev.${id}`, eventExchange(transport), pattern, options)
}

/** `task-sent` → `task.sent`. */
export const eventRoutingKey = (type: string): string => type.replaceAll('-', '.')

/** One event, or a batch of one group (Celery's workers send `task.multi`). */
export function encodeEvent(body: Event | readonly Event[], hostname: string): Message {
  return {
    headers: { hostname },
    properties: { deliveryMode: 1, priority: 0 },
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    body: Buffer.from(JSON.stringify(body)),
  }
}

/** The events a message carries; what is none of ours is passed over, for a monitor must not die of it. */
export function decodeEvents(message: Message): Event[] {
  try {
    const body = loads(Buffer.from(message.body).toString())
    return (Array.isArray(body) ? body : [body]).filter(
      (item): item is Event => isObject(item) && typeof item.type === 'string',
    )
  } catch {
    return []
  }
}

/** The fields of `task-sent` and `task-received`. */
export function describeTask(message: TaskMessage): Record<string, unknown> {
  return {
    uuid: message.id,
    name: message.task,
    args: message.argsrepr,
    kwargs: message.kwargsrepr,
    root_id: message.rootId,
    parent_id: message.parentId,
    retries: message.retries,
    eta: message.eta && isoDate(message.eta),
    expires: message.expires && isoDate(message.expires),
  }
}
