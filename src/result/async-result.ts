import type { Backend } from '../backend/backend.ts'
import type { Clock } from '../clock.ts'
import { CeleryError } from '../errors.ts'
import { parseExceptionInfo, RemoteError } from '../protocol/exception.ts'
import type { ResultMeta } from '../protocol/result-meta.ts'
import { exceptionStates, propagateStates, readyStates, type State, states } from '../protocol/states.ts'

const inspect = Symbol.for('nodejs.util.inspect.custom')

export interface GetOptions {
  /** Seconds to wait; by default for ever. */
  timeout?: number
  /** Throw the task's exception (default), or resolve to it. */
  propagate?: boolean
  /** Told of every state on the way, for example PROGRESS with its meta. */
  onMessage?: (meta: ResultMeta) => void
}

/** What a result needs from its surroundings: not the app, only where results are and what time it is. */
export interface ResultSource {
  backend(): Promise<Backend>
  readonly clock: Clock
}

/**
 * The handle on a task that was sent: its state now, and its value when there is one.
 *
 * @example
 * const result = await add.delay(4, 4)
 * await result.get({ timeout: 10 })   // 8
 */
export class AsyncResult<R = unknown> {
  readonly id: string
  readonly #source: ResultSource

  constructor(id: string, source: ResultSource) {
    this.id = id
    this.#source = source
  }

  /**
   * Waits for the value.
   *
   * @throws {RemoteError} what the task threw, under the name it had there
   * @throws {CeleryError} TIMEOUT, BACKEND_DISABLED, BACKEND_UNREACHABLE
   */
  async get(options: GetOptions = {}): Promise<R> {
    const meta = await this.#ready(options)
    if (!exceptionStates.has(meta.status)) return meta.result as R
    const error = errorOf(meta)
    if (options.propagate !== false && propagateStates.has(meta.status)) throw error
    return error as R
  }

  async #ready({ timeout, onMessage }: GetOptions): Promise<ResultMeta> {
    const backend = await this.#source.backend()
    const { promise: ready, resolve, reject } = Promise.withResolvers<ResultMeta>()
    const giveUp = () => reject(new CeleryError('TIMEOUT', `no result of ${this.id} within ${timeout} s`))
    const timer = timeout === undefined ? undefined : this.#source.clock.timer(giveUp, timeout * 1000)
    const watching = backend.watch(
      this.id,
      (meta) => {
        onMessage?.(meta)
        if (readyStates.has(meta.status)) resolve(meta)
      },
      reject,
    )
    try {
      const [meta] = await Promise.all([ready, watching])
      return meta
    } finally {
      timer?.cancel()
      watching.then(
        (unwatch) => unwatch(),
        () => {},
      )
    }
  }

  /** Everything the backend knows; undefined for a task that waits, or that nobody ever sent. */
  async meta(): Promise<ResultMeta | undefined> {
    return (await this.#source.backend()).get(this.id)
  }

  async state(): Promise<State> {
    return (await this.meta())?.status ?? states.PENDING
  }

  /** The value, the exception, or what a custom state carries (PROGRESS …). */
  async info(): Promise<unknown> {
    const meta = await this.meta()
    return meta && exceptionStates.has(meta.status) ? errorOf(meta) : meta?.result
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

  /** As Celery shows it: `<AsyncResult: 8148dd9f-…>`. */
  [inspect](): string {
    return `<AsyncResult: ${this.id}>`
  }

  /** Deletes what the backend keeps. */
  async forget(): Promise<void> {
    await (await this.#source.backend()).forget(this.id)
  }
}

const errorOf = (meta: ResultMeta) => new RemoteError(parseExceptionInfo(meta.result), meta.traceback)

/**
 * A call on its way. It has an `id` at once; awaiting it gives the {@link AsyncResult} when the broker has confirmed
 * the message, and rejects when it has not.
 */
export class PendingResult<R = unknown> extends Promise<AsyncResult<R>> {
  /** What `then` returns is an ordinary promise. */
  static override get [Symbol.species]() {
    return Promise
  }

  readonly id: string

  constructor(id: string, sending: Promise<AsyncResult<R>>) {
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
