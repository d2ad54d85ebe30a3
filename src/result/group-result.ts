import type { GroupStore } from '../backend/backend.ts'
import { CeleryError } from '../errors.ts'
import type { ControlReply } from '../protocol/control.ts'
import type { ResultTuple } from '../protocol/result-meta.ts'
import type { GetOptions, Result, ResultSource, RevokeOptions } from './result.ts'

const inspect = Symbol.for('nodejs.util.inspect.custom')

/**
 * Several results as one.
 *
 * @example
 * const sums = new ResultSet(await Promise.all([add.delay(1, 2), add.delay(3, 4)]))
 * await sums.get({ timeout: 10 })   // [3, 7]
 */
export class ResultSet<R = unknown> {
  readonly results: readonly Result<R>[]

  constructor(results: readonly Result<R>[]) {
    this.results = results
  }

  /**
   * Waits for all values, in the order of the results. The first failure ends the waiting.
   *
   * @throws {RemoteError} what the first to fail threw, unless `propagate` is false
   */
  async get(options: GetOptions = {}): Promise<R[]> {
    const enough = new AbortController()
    const signal = options.signal ? AbortSignal.any([options.signal, enough.signal]) : enough.signal
    try {
      return await Promise.all(this.results.map((result) => result.get({ ...options, signal })))
    } finally {
      enough.abort()
    }
  }

  /** Gives each result with its value when it is there, the quickest first. */
  async *iterate(options: GetOptions = {}): AsyncGenerator<readonly [result: Result<R>, value: R]> {
    const enough = new AbortController()
    const signal = options.signal ? AbortSignal.any([options.signal, enough.signal]) : enough.signal
    const waiting = new Map(
      this.results.map((result) => [
        result,
        result.get({ ...options, signal }).then((value) => [result, value] as const),
      ]),
    )
    // A failure that comes while another result is looked at is thrown when its turn is.
    for (const value of waiting.values()) value.catch(() => {})
    try {
      while (waiting.size > 0) {
        const next = await Promise.race(waiting.values())
        waiting.delete(next[0])
        yield next
      }
    } finally {
      enough.abort()
    }
  }

  ready(): Promise<boolean> {
    return every(this.results, (result) => result.ready())
  }

  /** Whether all have succeeded. */
  successful(): Promise<boolean> {
    return every(this.results, (result) => result.successful())
  }

  /** Whether one has failed. */
  async failed(): Promise<boolean> {
    return (await Promise.all(this.results.map((result) => result.failed()))).includes(true)
  }

  /** Whether one is still on its way. */
  async waiting(): Promise<boolean> {
    return !(await this.ready())
  }

  /** How many have succeeded. */
  async completedCount(): Promise<number> {
    const successes = await Promise.all(this.results.map((result) => result.successful()))
    return successes.filter(Boolean).length
  }

  async maybeThrow(): Promise<void> {
    for (const result of this.results) await result.maybeThrow()
  }

  async forget(): Promise<void> {
    await Promise.all(this.results.map((result) => result.forget()))
  }

  /** Tells all workers to ignore those that have not begun; with `terminate`, also to end those that run. */
  async revoke(options?: RevokeOptions): Promise<ControlReply> {
    const replies = await Promise.all(this.results.map((result) => result.revoke(options)))
    return Object.assign({}, ...replies)
  }

  [Symbol.iterator](): Iterator<Result<R>> {
    return this.results[Symbol.iterator]()
  }
}

/** The results of a group: a {@link ResultSet} with an id, under which it can be kept and found again. */
export class GroupResult<R = unknown> extends ResultSet<R> implements Result<R[]> {
  readonly id: string
  readonly parent: Result | undefined
  readonly #source: ResultSource

  constructor(id: string, results: readonly Result<R>[], source: ResultSource, parent?: Result) {
    super(results)
    this.id = id
    this.parent = parent
    this.#source = source
  }

  async children(): Promise<readonly Result[]> {
    return this.results
  }

  /**
   * Keeps the group, for `app.restoreGroup(id)` here or in Python.
   *
   * @throws {CeleryError} UNSUPPORTED by a backend that keeps no groups
   */
  async save(): Promise<void> {
    await (await groupsOf(this.#source)).save(this.id, this.toTuple())
  }

  /** Undoes {@link save}. */
  async delete(): Promise<void> {
    await (await groupsOf(this.#source)).delete(this.id)
  }

  toTuple(): ResultTuple {
    return [[this.id, this.parent?.toTuple() ?? null], this.results.map((result) => result.toTuple())]
  }

  /** As Celery shows it: `<GroupResult: 6b1e…, 3 results>`. */
  [inspect](): string {
    return `<GroupResult: ${this.id}, ${this.results.length} results>`
  }
}

/** @throws {CeleryError} UNSUPPORTED */
export async function groupsOf(source: ResultSource): Promise<GroupStore> {
  const { groups, url } = await source.backend()
  if (groups) return groups
  throw new CeleryError('UNSUPPORTED', `${url} keeps no groups`, {
    next: "Keep the tasks' ids yourself, or use a backend that keeps groups: redis://…",
  })
}

async function every(results: readonly Result[], holds: (result: Result) => Promise<boolean>): Promise<boolean> {
  return !(await Promise.all(results.map(holds))).includes(false)
}
