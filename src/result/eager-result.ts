import type { Backend } from '../backend/backend.ts'
import type { ResultMeta } from '../protocol/result-meta.ts'
import { propagateStates } from '../protocol/states.ts'
import { AsyncResult } from './async-result.ts'
import type { GetOptions, ResultSource } from './result.ts'

/** What became of a task that ran here and now; its value and its error are the objects themselves. */
export class EagerResult<R = unknown> extends AsyncResult<R> {
  readonly #status: string
  readonly #outcome: unknown

  /** @param outcome the value, or what was thrown */
  constructor(meta: ResultMeta, outcome: unknown, source: ResultSource) {
    super(meta.task_id, { ...source, backend: async () => holding(meta) })
    this.#status = meta.status
    this.#outcome = outcome
  }

  override async get({ propagate = true }: GetOptions = {}): Promise<R> {
    if (propagate && propagateStates.has(this.#status)) throw this.#outcome
    return this.#outcome as R
  }

  override async result(): Promise<unknown> {
    return this.#outcome
  }
}

/** A result backend that knows one result. */
function holding(meta: ResultMeta): Backend {
  return {
    name: 'memory',
    url: 'memory://eager',
    store: async () => {},
    get: async (id) => (id === meta.task_id ? meta : undefined),
    watch: async (id, onMeta) => {
      if (id === meta.task_id) onMeta(meta)
      return () => {}
    },
    forget: async () => {},
    close: async () => {},
  }
}
