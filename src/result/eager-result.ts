import type { ResultMeta } from '../protocol/result-meta.ts'
import { propagateStates } from '../protocol/states.ts'
import { AsyncResult } from './async-result.ts'
import type { GetOptions, ResultSource } from './result.ts'

/** What became of a task that ran here and now; its value and its error are the objects themselves. */
export class EagerResult<R = unknown> extends AsyncResult<R> {
  readonly #meta: ResultMeta
  readonly #outcome: unknown

  /** @param outcome the value, or what was thrown */
  constructor(meta: ResultMeta, outcome: unknown, source: ResultSource) {
    super(meta.task_id, source)
    this.#meta = meta
    this.#outcome = outcome
  }

  override async get({ propagate = true }: GetOptions = {}): Promise<R> {
    if (propagate) await this.maybeThrow()
    return this.#outcome as R
  }

  override async maybeThrow(): Promise<void> {
    if (propagateStates.has(this.#meta.status)) throw this.#outcome
  }

  override async meta(): Promise<ResultMeta> {
    return this.#meta
  }

  override async result(): Promise<unknown> {
    return this.#outcome
  }

  /** Nothing was kept. */
  override async forget(): Promise<void> {}
}
