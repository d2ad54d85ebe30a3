import type { TaskRequest } from '../app/context.ts'
import type { Task } from '../app/task.ts'
import type { Caller } from '../backend/backend.ts'
import { CeleryError, messageOf } from '../errors.ts'
import { type ResultMeta, type ResultTuple, resultMeta } from '../protocol/result-meta.ts'
import { type State, states } from '../protocol/states.ts'
import { neverRun } from './callbacks.ts'
import type { TraceEnvironment } from './environment.ts'
import type { Failure } from './outcome.ts'

/** Stores the states of one task, as its options and the settings want them stored. */
export class ResultWriter {
  readonly #request: TaskRequest
  readonly #children: ResultTuple[]
  readonly #task: Task
  readonly #env: TraceEnvironment

  constructor(request: TaskRequest, children: ResultTuple[], task: Task, env: TraceEnvironment) {
    this.#request = request
    this.#children = children
    this.#task = task
    this.#env = env
  }

  async started(): Promise<void> {
    const isTracked = this.#task.options.trackStarted ?? this.#env.app.conf.taskTrackStarted
    if (!isTracked || this.#request.ignoreResult) return
    await this.write(states.STARTED, { result: { pid: process.pid, hostname: this.#request.hostname } })
  }

  async succeeded(value: unknown): Promise<void> {
    if (!this.#request.ignoreResult) await this.write(states.SUCCESS, { result: value })
  }

  async failed(error: Failure): Promise<void> {
    const { taskStoreErrorsEvenIfIgnored } = this.#env.app.conf
    const isKept = this.#task.options.storeErrorsEvenIfIgnored ?? taskStoreErrorsEvenIfIgnored
    const fields = { result: error.info, traceback: error.traceback }
    if (!this.#request.ignoreResult || isKept) await this.write(states.FAILURE, fields)
    for (const id of neverRun(this.#request)) {
      const meta = resultMeta({ task_id: id, status: states.FAILURE, ...fields }, this.#env.app.clock.now())
      await this.#store(meta, { replyTo: this.#request.replyTo, correlationId: id })
    }
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
    await this.#store(resultMeta(given, this.#env.app.clock.now()), this.#request)
  }

  // A backend that is away does not undo what the task did; it is told where people look. A value that cannot be
  // encoded is the task's own failure.
  async #store(meta: ResultMeta, caller: Caller): Promise<void> {
    try {
      await this.#env.backend.store(meta, caller)
    } catch (error) {
      if (!(error instanceof CeleryError)) throw error
      this.#env.log.critical(`the state ${meta.status} of ${meta.task_id} could not be stored: ${messageOf(error)}`)
    }
  }
}
