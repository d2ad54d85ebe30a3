import type { DeadLetter, RequestInfo, ResultMeta, TaskMessage } from '../../src/index.ts'
import type { LogEvent } from '../commands/logs.ts'

/** What everyone says of one task, at about one moment. */
export interface Facts {
  readonly id: string
  /** What the result backend keeps. */
  readonly result: ResultMeta | undefined
  readonly messages: readonly Placed[]
  /** Workers that have it in hand. */
  readonly held: readonly Held[]
  /** Workers that would not run it. */
  readonly revokedBy: readonly string[]
  readonly letters: readonly DeadLetter[]
  /** Lines of the stack in which its id stands. */
  readonly log: readonly LogEvent[]
  /** Who could not be asked, and why. */
  readonly gaps: readonly string[]
  /** How many messages wait in queues where nobody can look; undefined when all could be seen. */
  readonly unseen: number | undefined
}

/** A message in the broker that calls the task. */
export interface Placed {
  readonly queue: string
  readonly routingKey: string
  /** Messages before it; undefined when somebody has taken it. */
  readonly ahead: number | undefined
  /** How many wait in that queue. */
  readonly depth: number
  /** Why it cannot be read, if it cannot. */
  readonly call: TaskMessage | Error
}

export interface Held {
  readonly node: string
  readonly place: 'running' | 'waiting' | 'scheduled'
  readonly request: RequestInfo
  /** ISO 8601; of what is scheduled. */
  readonly eta?: string
}
