import type { TaskRequest } from '../app/context.ts'
import type { TaskOptions } from '../app/task.ts'
import type { Caller } from '../backend/backend.ts'
import { CeleryError, messageOf } from '../errors.ts'
import { type ResultTuple, resultMeta } from '../protocol/result-meta.ts'
import { type State, states } from '../protocol/states.ts'
import type { TraceEnvironment } from './environment.ts'
import type { Failure } from './outcome.ts'

/** Stores the states of one task, as its options and the settings want them stored. */
export class ResultWriter {
  readonly #request: TaskRequest
  readonly #children: ResultTuple[]
  readonly #options: TaskOptions
  readonly #env: TraceEnvironment

  constructor(request: TaskRequest, children: ResultTuple[], options: TaskOptions, env: TraceEnvironment) {
    this.#request = request
    this.#children = children
    this.#options = options
    this.#env = env
  }

  async started(): Promise<void> {
    const isTracked = this.#options.trackStarted ?? this.#env.app.conf.taskTrackStarted
    if (!isTracked || this.#request.ignoreResult) return
    await this.write(states.STARTED, { result: { pid: process.pid, hostname: this.#request.hostname } })
  }

  async succeeded(value: unknown): Promise<void> {
    if (!this.#request.ignoreResult) await this.write(states.SUCCESS, { result: value })
  }

  async failed(error: Failure): Promise<void> {
    const { taskStoreErrorsEvenIfIgnored } = this.#env.app.conf
    const isKept = this.#options.storeErrorsEvenIfIgnored ?? taskStoreErrorsEvenIfIgnored
    const fields = { result: error.info, traceback: error.traceback }
    if (!this.#request.ignoreResult || isKept) await this.write(states.FAILURE, fields)
  }

  async revoked(error: Failure): Promise<void> {
    if (!this.#request.ignoreResult) await this.write(states.REVOKED, { result: error.info })
  }

  async retried(error: Failure): Promise<void> {
    if (this.#request.ignoreResult) return
    await this.write(states.RETRY, { result: error.info, traceback: error.traceback })
  }

  async write(status: State, fields: { result?: unknown; traceback?: string | null }): Promise<void> {
    const { id, group, parentId, task, args, kwargs, hostname, retries, deliveryInfo } = this.#request
    const extended = { name: task, args, kwargs, worker: hostname, retries, queue: deliveryInfo.routingKey }
    const given = {
      task_id: id,
      status,
      ...fields,
      children: this.#children,
      ...(group && { group_id: group }),
      ...(parentId && { parent_id: parentId }),
      ...(this.#env.app.conf.resultExtended && extended),
    }
    await storeMeta(given, this.#request, this.#env)
  }
}

/**
 * Stores a state, as of now. A backend that is away does not undo what the task did; it is told where people look.
 *
 * @throws {TypeError} for a value that cannot be encoded, which is the task's own failure
 */
export async function storeMeta(
  given: Parameters<typeof resultMeta>[0],
  caller: Caller,
  { app, backend, log }: TraceEnvironment,
): Promise<void> {
  try {
    await backend.store(resultMeta(given, app.clock.now()), caller)
  } catch (error) {
    if (!(error instanceof CeleryError)) throw error
    log.critical(`the state ${given.status} of ${given.task_id} could not be stored: ${messageOf(error)}`)
  }
}
