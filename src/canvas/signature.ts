import type { ExchangeType, Queue } from '../protocol/entity.ts'
import { isObject } from '../protocol/json.ts'
import { type SignatureData, signatureData } from '../protocol/signature-data.ts'

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
  readonly link?: Signature | readonly Signature[]
  /** Called with the task's id when it has failed. */
  readonly linkError?: Signature | readonly Signature[]
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
  /** What follows, in reverse order. */
  readonly chain?: readonly SignatureData[]
}

/** A call that has not been made yet: plain frozen data, to be sent now, later, or by another task. */
export interface Signature {
  readonly kind: 'task'
  readonly task: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly options: CallOptions
  /** Takes no arguments from what ran before it. */
  readonly immutable: boolean
}

export function signature(
  task: string,
  args: readonly unknown[] = [],
  { kwargs = {}, options = {}, immutable = false }: Partial<Omit<Signature, 'kind' | 'task' | 'args'>> = {},
): Signature {
  return Object.freeze({ kind: 'task', task, args, kwargs, options, immutable })
}

/** The signature with arguments put before its own and options over its own; an immutable one keeps its arguments. */
export function withArguments(given: Signature, args: readonly unknown[], options: CallOptions = {}): Signature {
  const merged = { ...given.options, ...options }
  return Object.freeze({ ...given, args: given.immutable ? given.args : [...args, ...given.args], options: merged })
}

/** The wire form, which Python reads. */
export function toData({ task, args, kwargs, options, immutable }: Signature): SignatureData {
  return signatureData(task, args, { kwargs: { ...kwargs }, options: toDataOptions(options), immutable })
}

/** Reads a wire form of one task; the composed forms (chain, group …) are other kinds. */
export function fromData(data: SignatureData): Signature {
  return signature(data.task, data.args, {
    kwargs: data.kwargs,
    options: fromDataOptions(data.options),
    immutable: data.immutable,
  })
}

export function listOf<T>(given: T | readonly T[] | undefined): readonly T[] {
  if (given === undefined) return []
  return Array.isArray(given) ? given : [given as T]
}

function toDataOptions(options: CallOptions): Record<string, unknown> {
  const { link, linkError, stamps, queue, ...plain } = options
  return {
    ...Object.fromEntries(Object.entries(plain).map(([name, value]) => [snakeCase(name), value])),
    ...(queue !== undefined && { queue: typeof queue === 'string' ? queue : queue.name }),
    ...(link && { link: listOf(link).map(toData) }),
    ...(linkError && { link_error: listOf(linkError).map(toData) }),
    ...(stamps && { stamped_headers: Object.keys(stamps), ...stamps }), // flat, as Celery has them
  }
}

function fromDataOptions(options: Record<string, unknown>): CallOptions {
  const { link, link_error: linkError, stamped_headers: stamped, eta, expires, ...plain } = options
  const names = new Set(Array.isArray(stamped) ? stamped.map(String) : [])
  const entries = Object.entries(plain).filter(([, value]) => value !== null)
  const isStamp = ([name]: [string, unknown]) => names.has(name)
  return {
    ...Object.fromEntries(entries.filter((entry) => !isStamp(entry)).map(([name, value]) => [camelCase(name), value])),
    ...(eta ? { eta: toDate(eta) } : {}),
    ...(typeof expires === 'number' ? { expires } : expires ? { expires: toDate(expires) } : {}),
    ...(link ? { link: readSignatures(link) } : {}),
    ...(linkError ? { linkError: readSignatures(linkError) } : {}),
    ...(names.size > 0 ? { stamps: Object.fromEntries(entries.filter(isStamp)) } : {}),
  }
}

const toDate = (value: unknown) => (value instanceof Date ? value : new Date(String(value)))

function readSignatures(value: unknown): Signature[] {
  const list = Array.isArray(value) ? value : [value]
  return list.filter((item): item is SignatureData & Record<string, unknown> => isObject(item)).map(fromData)
}

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const camelCase = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
