import type { ControlReply } from '../protocol/control.ts'
import { parseExceptionInfo, type RemoteError, remoteError } from '../protocol/exception.ts'
import { parseIsoDate } from '../protocol/json.ts'
import type { ResultMeta, ResultTuple } from '../protocol/result-meta.ts'
import { exceptionStates, propagateStates, readyStates, type State, states } from '../protocol/states.ts'
import {
  assertWillNotBlock,
  type GetOptions,
  type Result,
  type ResultSource,
  type RevokeOptions,
  TimeoutError,
} from './result.ts'

const inspect = Symbol.for('nodejs.util.inspect.custom')

export interface AsyncResultOptions {
  readonly parent?: Result | undefined
  /** Nothing is stored of the task: `get` resolves at once, to undefined. */
  readonly ignored?: boolean
}

/**
 * The handle on a task that was sent: its state now, and its value when there is one. Once the task has ended, what
 * is known of it stays, and is not asked for again.
 *
 * @example
 * const result = await add.delay(4, 4)
 * await result.get({ timeout: 10 })   // 8
 */
export class AsyncResult<R = unknown> implements Result<R> {
  readonly id: string
  readonly parent: Result | undefined
  readonly ignored: boolean
  readonly #source: ResultSource
  /** What is known of a task that has ended. */
  #final: ResultMeta | undefined

  constructor(id: string, source: ResultSource, { parent, ignored = false }: AsyncResultOptions = {}) {
    this.id = id
    this.parent = parent
    this.ignored = ignored
    this.#source = source
  }

  /**
   * Waits for the value.
   *
   * @throws {RemoteError} what the task threw, under the name it had there
   * @throws {TimeoutError}
   * @throws {CeleryError} JOIN_IN_TASK, BACKEND_DISABLED, BACKEND_UNREACHABLE
   */
  async get(options: GetOptions = {}): Promise<R> {
    if (this.ignored) return undefined as R
    assertWillNotBlock(this.#source, options)
    const meta = await this.#ended(options)
    if (!exceptionStates.has(meta.status)) return meta.result as R
    const error = this.#error(meta)
    if (options.propagate !== false && propagateStates.has(meta.status)) throw error
    return error as R
  }

  async #ended({ timeout, onMessage, signal }: GetOptions): Promise<ResultMeta> {
    if (this.#final) return this.#final
    const backend = await this.#source.backend()
    const { promise: ended, resolve, reject } = Promise.withResolvers<ResultMeta>()
    let state: State = states.PENDING
    const giveUp = () => reject(new TimeoutError(this.id, timeout, state))
    const timer = timeout === undefined ? undefined : this.#source.clock.timer(giveUp, timeout * 1000)
    const onAbort = () => reject(signal?.reason)
    signal?.addEventListener('abort', onAbort)
    if (signal?.aborted) onAbort()
    const onMeta = (meta: ResultMeta) => {
      state = meta.status
      onMessage?.(meta)
      if (this.#note(meta)) resolve(meta)
    }
    const watching = backend.watch(this.id, onMeta, reject)
    try {
      const [meta] = await Promise.all([ended, watching])
      return meta
    } finally {
      timer?.cancel()
      signal?.removeEventListener('abort', onAbort)
      watching.then(
        (unwatch) => unwatch(),
        () => {},
      )
    }
  }

  #error(meta: ResultMeta): RemoteError {
    return remoteError(parseExceptionInfo(meta.result), meta.traceback, this.#source.errors)
  }

  /** True when the task has ended. */
  #note(meta: ResultMeta): boolean {
    if (!readyStates.has(meta.status)) return false
    this.#final = meta
    return true
  }

  /** Everything the backend knows; undefined for a task that waits, or that nobody ever sent. */
  async meta(): Promise<ResultMeta | undefined> {
    if (this.#final) return this.#final
    const meta = await (await this.#source.backend()).get(this.id)
    if (meta) this.#note(meta)
    return meta
  }

  async state(): Promise<State> {
    return (await this.meta())?.status ?? states.PENDING
  }

  /** The value, the exception, or what a custom state carries (PROGRESS …). */
  async result(): Promise<unknown> {
    const meta = await this.meta()
    return meta && exceptionStates.has(meta.status) ? this.#error(meta) : meta?.result
  }

  /** {@link result} under the name that suits a state on the way. */
  info(): Promise<unknown> {
    return this.result()
  }

  async ready(): Promise<boolean> {
    return readyStates.has(await this.state())
  }

  async successful(): Promise<boolean> {
    return (await this.state()) === states.SUCCESS
  }

  async failed(): Promise<boolean> {
    return (await this.state()) === states.FAILURE
  }

  async traceback(): Promise<string | null> {
    return (await this.meta())?.traceback ?? null
  }

  async dateDone(): Promise<Date | null> {
    const text = (await this.meta())?.date_done
    return (text && parseIsoDate(text)) || null
  }

  /** The task's name; like the five that follow, kept when `resultExtended` is set. */
  async name(): Promise<string | undefined> {
    return (await this.meta())?.name
  }

  async args(): Promise<readonly unknown[] | undefined> {
    return (await this.meta())?.args
  }

  async kwargs(): Promise<Readonly<Record<string, unknown>> | undefined> {
    return (await this.meta())?.kwargs
  }

  /** The node that ran it. */
  async worker(): Promise<string | undefined> {
    return (await this.meta())?.worker
  }

  async retries(): Promise<number | undefined> {
    return (await this.meta())?.retries
  }

  async queue(): Promise<string | undefined> {
    return (await this.meta())?.queue
  }

  async children(): Promise<readonly Result[]> {
    return ((await this.meta())?.children ?? []).map((tuple) => this.#source.fromTuple(tuple))
  }

  /** Waits for the task, then for what it called, then for what these called: each with its value. */
  async *collect(options: GetOptions = {}): AsyncGenerator<readonly [result: Result, value: unknown]> {
    const found: Result[] = [this]
    for (const result of found) {
      yield [result, await result.get(options)]
      found.push(...(await result.children()))
    }
  }

  /** @throws {RemoteError} when the task has failed */
  async maybeThrow(): Promise<void> {
    const meta = await this.meta()
    if (meta && propagateStates.has(meta.status)) throw this.#error(meta)
  }

  /** Deletes what the backend keeps of the task, and of those that led to it. */
  async forget(): Promise<void> {
    this.#final = undefined
    await this.parent?.forget()
    await (await this.#source.backend()).forget(this.id)
  }

  /** Tells all workers to ignore the task; with `terminate`, also to end it if it runs. */
  revoke({ wait = false, ...options }: RevokeOptions = {}): Promise<ControlReply> {
    return this.#source.control.revoke(this.id, { ...options, reply: wait })
  }

  toTuple(): ResultTuple {
    return [[this.id, this.parent?.toTuple() ?? null], null]
  }

  /** As Celery shows it: `<AsyncResult: 8148dd9f-…>`. */
  [inspect](): string {
    return `<AsyncResult: ${this.id}>`
  }
}

/**
 * A call on its way. It has an `id` at once; awaiting it gives the {@link AsyncResult} when the broker has confirmed
 * the message, and rejects when it has not.
 */
export class PendingResult<R = unknown, H extends Result<R> = AsyncResult<R>> extends Promise<H> {
  /** What `then` returns is an ordinary promise. */
  static override get [Symbol.species]() {
    return Promise
  }

  readonly id: string

  constructor(id: string, sending: Promise<H>) {
    super((resolve) => resolve(sending))
    this.id = id
  }

  [inspect](): string {
    return `<PendingResult: ${this.id}>`
  }

  /** Waits until it is sent, and then for its value: {@link AsyncResult.get}. */
  get(options?: GetOptions): Promise<R> {
    return this.then((result) => result.get(options))
  }
}
