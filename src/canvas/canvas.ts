import type { ExchangeType, Queue } from '../protocol/entity.ts'
import type { SignatureData } from '../protocol/signature-data.ts'

/** Calls that have not been made yet, and how they hang together: plain data, to be sent now, later, or by a task. */
export type Canvas = Call | Chain | Group | Chord

/** One call of one task. */
export interface Call {
  readonly kind: 'task'
  readonly task: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly options: CallOptions
  /** Takes no arguments from what ran before it. */
  readonly immutable: boolean
}

/** One after the other, each with the value of the one before put first. */
export interface Chain {
  readonly kind: 'chain'
  readonly tasks: readonly Canvas[]
}

/** All at once. */
export interface Group {
  readonly kind: 'group'
  /** Made when it is sent, unless it was chosen before. */
  readonly id?: string
  readonly tasks: readonly Canvas[]
}

/** All at once, and then the body, with the list of their values put first. */
export interface Chord {
  readonly kind: 'chord'
  readonly header: Group
  readonly body: Canvas
}

/** How a task is called: Celery's `apply_async` options. Times are seconds. */
export interface CallOptions {
  readonly taskId?: string
  /** Seconds from now before it may start. */
  readonly countdown?: number
  /** Not before. */
  readonly eta?: Date
  /** Not after: a time, or seconds from now. */
  readonly expires?: Date | number
  /** By name, or one that was made here: `workerDirect('celery@box')`. */
  readonly queue?: string | Queue
  /** An exchange by name, instead of a queue or with one. */
  readonly exchange?: string
  readonly exchangeType?: ExchangeType
  readonly routingKey?: string
  readonly priority?: number
  readonly serializer?: string
  /** `gzip`, `brotli` or `zstd`. */
  readonly compression?: string
  readonly headers?: Readonly<Record<string, unknown>>
  /** A display name for logs and events. */
  readonly shadow?: string
  readonly timeLimit?: number
  readonly softTimeLimit?: number
  readonly ignoreResult?: boolean
  /** Called with the result when the task has succeeded. */
  readonly link?: Canvas | readonly Canvas[]
  /** Called with the task's id when it has failed. */
  readonly linkError?: Canvas | readonly Canvas[]
  readonly stamps?: Readonly<Record<string, unknown>>
  readonly retries?: number
  readonly replyTo?: string
  readonly rootId?: string
  readonly parentId?: string
  readonly groupId?: string
  readonly groupIndex?: number
  readonly deliveryMode?: 1 | 2
  /** How many tasks have taken the place of another under this id. */
  readonly replacedTaskNesting?: number
  /** What follows, in the wire form and, as there, in REVERSE order: carried from step to step, and read step by step. */
  readonly chain?: readonly SignatureData[]
  /** The body of the chord of whose header this is one end. */
  readonly chord?: Canvas
}

export function call(
  task: string,
  args: readonly unknown[] = [],
  { kwargs = {}, options = {}, immutable = false }: Partial<Omit<Call, 'kind' | 'task' | 'args'>> = {},
): Call {
  return { kind: 'task', task, args, kwargs, options, immutable }
}

export const chainOf = (tasks: readonly Canvas[]): Chain => ({ kind: 'chain', tasks })

export const groupOf = (tasks: readonly Canvas[], id?: string): Group => ({
  kind: 'group',
  ...(id !== undefined && { id }),
  tasks,
})

export const chordOf = (header: Group, body: Canvas): Chord => ({ kind: 'chord', header, body })

export function listOf<T>(given: T | readonly T[] | undefined): readonly T[] {
  if (given === undefined) return []
  return Array.isArray(given) ? given : [given as T]
}
