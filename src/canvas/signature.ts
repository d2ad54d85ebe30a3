import { randomUUID } from 'node:crypto'
import { CeleryError } from '../errors.ts'
import { repr } from '../protocol/repr.ts'
import { parseSignatureData, type SignatureData } from '../protocol/signature-data.ts'
import type { AsyncResult, PendingResult } from '../result/async-result.ts'
import type { GroupResult } from '../result/group-result.ts'
import type { Result } from '../result/result.ts'
import { type Call, type CallOptions, type Canvas, call, chainOf, chordOf, type Group, groupOf } from './canvas.ts'
import { chunksOf, fromData, toData } from './data.ts'
import { freeze, resultId } from './freeze.ts'
import { withArguments, withLink, withLinkError, withOptions } from './options.ts'
import { prepare } from './prepare.ts'
import type { Sender } from './sender.ts'
import { type Stamping, stamped } from './stamp.ts'
import { describe } from './text.ts'

const inspect = Symbol.for('nodejs.util.inspect.custom')

/**
 * A call, or a workflow of calls, that has not been made yet. It never changes: what changes it gives another.
 * `R` is the value it will have, `H` what its sender holds.
 *
 * @example
 * const price = add.s(2, 2).pipe(add.s(5), mul.s(8))
 * await price.delay().get()   // 72
 */
export type Signature<R = unknown, H extends Result<R> = AsyncResult<R>> = Canvas & Verbs<R, H>

/** How to call, with arguments: those of its own come after. */
export interface PartialOptions extends CallOptions {
  readonly args?: readonly unknown[]
  readonly kwargs?: Readonly<Record<string, unknown>>
}

/** What can be done with a signature. */
class Verbs<R, H extends Result<R>> {
  readonly #sender: Sender | undefined

  constructor(canvas: Canvas, sender: Sender | undefined) {
    Object.assign(this, canvas)
    this.#sender = sender
    Object.freeze(this)
  }

  /** Whose app sends it, or the first part of it that knows one. */
  static senderOf(canvas: Canvas): Sender | undefined {
    const own = #sender in canvas ? (canvas as unknown as Verbs<unknown, Result>).#sender : undefined
    if (own || canvas.kind === 'task') return own
    const parts = canvas.kind === 'chord' ? [canvas.header, canvas.body] : canvas.tasks
    return parts.map(Verbs.senderOf).find((sender) => sender !== undefined)
  }

  /** Sends it, with arguments put before its own. */
  delay(...args: unknown[]): PendingResult<R, H> {
    return this.applyAsync({ args })
  }

  /** Sends it with options: `workflow.applyAsync({ countdown: 10 })`. */
  applyAsync(options: PartialOptions = {}): PendingResult<R, H> {
    const canvas = this.clone(options)
    this.#bound().check(canvas)
    return this.#bound().send<R, H>(canvas)
  }

  /** Runs it here and now, through the steps of a worker and without a broker. */
  applyHere({ throw: propagate, ...options }: PartialOptions & { readonly throw?: boolean } = {}): Promise<H> {
    return this.#bound().apply<R, H>(this.clone(options), propagate === undefined ? {} : { throw: propagate })
  }

  /** What follows it, each with the value of the one before: Celery's `|`. A group before another makes a chord. */
  pipe<R2, H2 extends Result<R2>>(...next: readonly [...Canvas[], Signature<R2, H2>]): Signature<R2, H2> {
    next.forEach(checked)
    const body = () => (next.length === 1 ? (next[0] as Canvas) : chainOf(next))
    const piped = this.#canvas.kind === 'group' ? chordOf(this.#canvas, body()) : chainOf([this.#canvas, ...next])
    return sign<R2, H2>(piped, this.#sender)
  }

  /** The same with more arguments before its own, or with other options. */
  clone({ args = [], kwargs, ...options }: PartialOptions = {}): Signature<R, H> {
    return this.#as(withOptions(withArguments(this.#canvas, args, kwargs), options))
  }

  /** The same with other options: `.set({ queue: 'slow', countdown: 10 })`. */
  set(options: CallOptions): Signature<R, H> {
    return this.#as(withOptions(this.#canvas, options))
  }

  /** What is called with its value, when it has succeeded. */
  link(callback: Canvas): Signature<R, H> {
    return this.#as(withLink(this.#canvas, callback))
  }

  /** What is called when it, or one of its steps, has failed. */
  linkError(errback: Canvas): Signature<R, H> {
    return this.#as(withLinkError(this.#canvas, errback))
  }

  /** Gives all its calls ids: what is sent then has {@link resultId}. */
  freeze(id?: string): Signature<R, H> {
    const prepared = prepare(this.#canvas) ?? this.#canvas
    const named = id === undefined ? prepared : withOptions(prepared, { taskId: id })
    return this.#as(freeze(named, { newId: randomUUID }))
  }

  /** The id of its result, once it is frozen or was given one. */
  get resultId(): string | undefined {
    return resultId(this.#canvas)
  }

  /**
   * Marks its calls, for people and for `revokeByStampedHeaders`: all alike, or as a visitor says.
   *
   * @example
   * workflow.stamp({ customer: 'acme' }).delay()
   */
  stamp(stamping: Stamping): Signature<R, H> {
    return this.#as(stamped(this.#canvas, stamping))
  }

  /**
   * The members of a group one after the other: countdowns of `start`, `start + step` … seconds, at most `stop`.
   *
   * @throws {CeleryError} UNSUPPORTED for what is no group
   */
  skew({ start = 1, stop = Number.POSITIVE_INFINITY, step = 1 } = {}): Signature<R, H> {
    const canvas = this.#canvas
    if (canvas.kind !== 'group') throw new CeleryError('UNSUPPORTED', `${this} is no group: give it a countdown`)
    const later = (task: Canvas, index: number) =>
      withOptions(task, { countdown: Math.min(stop, start + index * step) })
    return this.#as(groupOf(canvas.tasks.map(later), canvas.id))
  }

  /** The wire form, which Python's `signature(…)` reads. */
  toJSON(): SignatureData {
    return toData(this.#canvas)
  }

  /** As Celery shows it: `add(2, 2) | mul(8)`. */
  toString(): string {
    return describe(this.#canvas)
  }

  [inspect](): string {
    return this.toString()
  }

  get #canvas(): Canvas {
    return this as unknown as Canvas
  }

  #as(canvas: Canvas): Signature<R, H> {
    return sign(canvas, this.#sender)
  }

  #bound(): Sender {
    if (this.#sender) return this.#sender
    const next = 'Make it with task.s(…) or app.signature(…), or send it with app.send(signature).'
    throw new CeleryError('UNSUPPORTED', `the signature ${this} belongs to no app`, { next })
  }
}

/** Lets a canvas be sent by an app: by the one that is given, or else by that of its first signature that has one. */
export function sign<R = unknown, H extends Result<R> = AsyncResult<R>>(
  canvas: Canvas,
  sender: Sender | undefined = Verbs.senderOf(canvas),
): Signature<R, H> {
  return new Verbs<R, H>(canvas, sender) as unknown as Signature<R, H>
}

/**
 * A call of a task by its name, also of one that only another language has.
 *
 * @example
 * chain(add.s(2, 2), signature('reports.render'))
 */
export function signature<R = unknown>(
  task: string,
  args: readonly unknown[] = [],
  options: Partial<Omit<Call, 'kind' | 'task' | 'args'>> = {},
): Signature<R> {
  return sign(call(task, args, options))
}

/**
 * Reads a signature that was written as JSON, here or in Python.
 *
 * @throws {CeleryError} DECODE_ERROR
 */
export function signatureFromJSON(json: unknown, sender?: Sender): Signature {
  const data = parseSignatureData(json)
  if (!data) throw new CeleryError('DECODE_ERROR', 'this is no signature: it has no `task`')
  return sign(fromData(data), sender)
}

/** Signatures one by one, or as one list. */
type Several = readonly Canvas[] | readonly [Iterable<Canvas>]

/**
 * One after the other, each with the value of the one before put first.
 *
 * @example
 * await chain(add.s(2, 2), add.s(5), mul.s(8)).delay().get()   // 72
 */
export function chain<R, H extends Result<R>>(...tasks: readonly [...Canvas[], Signature<R, H>]): Signature<R, H>
export function chain(...tasks: readonly Canvas[]): Signature
export function chain<S extends Signature<unknown, Result>>(tasks: Iterable<S>): Signature<ValueOf<S>>
export function chain(tasks: Iterable<Canvas>): Signature
export function chain(...given: Several): Signature {
  return sign(chainOf(severalOf(given)))
}

/** The value that a signature will have. */
export type ValueOf<S> = S extends { delay(...args: never[]): { get(...args: never[]): Promise<infer R> } }
  ? R
  : unknown

/** What a group of signatures gives: a list of their values. */
export type GroupSignature<R = unknown> = Group & Signature<R[], GroupResult<R>>

/**
 * All at once. What follows it makes it a {@link chord}.
 *
 * @example
 * await group(numbers.map((n) => add.s(n, n))).delay().get()   // [0, 2, 4 …]
 */
export function group<const T extends readonly Signature<unknown, Result>[]>(
  ...tasks: T
): GroupSignature<ValueOf<T[number]>>
export function group<S extends Signature<unknown, Result>>(tasks: Iterable<S>): GroupSignature<ValueOf<S>>
export function group(...tasks: readonly Canvas[]): GroupSignature
export function group(tasks: Iterable<Canvas>): GroupSignature
export function group(...given: Several): GroupSignature {
  return sign<unknown[], GroupResult>(groupOf(severalOf(given))) as GroupSignature
}

/**
 * All of the header at once, and when all have succeeded the body, with the list of their values put first. When one
 * of them fails the body fails, with a ChordError.
 *
 * @example
 * await chord([add.s(1, 2), mul.s(3, 4)], tsum.s()).delay().get()   // 15
 */
export function chord<R, H extends Result<R>>(
  header: Iterable<Canvas> | Canvas,
  body: Signature<R, H>,
): Signature<R, H> {
  const tasks = Symbol.iterator in header ? [...header].map(checked) : [checked(header)]
  checked(body)
  const [first] = tasks
  const members = first?.kind === 'group' && tasks.length === 1 ? first : groupOf(tasks)
  return sign<R, H>(chordOf(members, body))
}

/** One task that calls another for each item, in its own process: Celery's `xmap`. */
export function map<R = unknown>(task: Mappable<R>, items: Iterable<unknown>): Signature<R[]> {
  return mapping('celery.map', task, items)
}

/** {@link map} where each item is a list of arguments. */
export function starmap<R = unknown>(task: Mappable<R>, items: Iterable<readonly unknown[]>): Signature<R[]> {
  return mapping('celery.starmap', task, items)
}

/**
 * Cuts a long list of argument lists into parts of `n`, each of which one task goes through.
 *
 * @example
 * await chunks(add, pairs, 100).delay().get()   // a list of lists
 */
export function chunks<R = unknown>(
  task: Mappable<R>,
  items: Iterable<readonly unknown[]>,
  n: number,
): GroupSignature<R[]> {
  if (!Number.isInteger(n) || n < 1) throw new RangeError(`chunks of ${n}: give a whole number from 1`)
  const { data, sender } = mappable(task)
  return sign<R[][], GroupResult<R[]>>(chunksOf(data, [...items], n), sender) as GroupSignature<R[]>
}

/** A task, or a signature of one. */
export type Mappable<R> = Signature<R> | { s(): Signature<R> }

function mapping<R>(name: string, task: Mappable<R>, items: Iterable<unknown>): Signature<R[]> {
  const { data, sender } = mappable(task)
  return sign(call(name, [], { kwargs: { task: data, it: [...items] }, immutable: true }), sender)
}

function mappable<R>(task: Mappable<R>): { data: SignatureData; sender: Sender | undefined } {
  const given: Signature<R> = 'kind' in task ? task : task.s()
  return { data: toData(given), sender: Verbs.senderOf(given) }
}

function severalOf(given: Several): readonly Canvas[] {
  const [first] = given
  const isList = given.length === 1 && typeof first === 'object' && first !== null && Symbol.iterator in first
  return (isList ? [...first] : (given as readonly Canvas[])).map(checked)
}

/** @throws {TypeError} for what people take for a signature: a task, a call that is on its way, a value */
function checked(given: Canvas): Canvas {
  if (typeof given === 'object' && given !== null && 'kind' in given) return given
  const { taskName } = (given ?? {}) as { taskName?: string }
  if (taskName !== undefined) throw new TypeError(`${taskName} is a task and no signature: did you forget .s()?`)
  const isSent = (given as unknown) instanceof Promise
  const what = isSent ? 'a call that is on its way, or a promise,' : repr(given)
  throw new TypeError(`${what} is no signature: make one with task.s(…)`)
}
