import type { Celery } from '../app/app.ts'
import { runInTask, type TaskContext, type TaskRequest } from '../app/context.ts'
import { Ignore, Reject, Retry } from '../app/exceptions.ts'
import type { Task } from '../app/task.ts'
import type { Backend } from '../backend/backend.ts'
import type { Signature } from '../canvas/signature.ts'
import { CeleryError, messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import { type ResultMeta, type ResultTuple, resultMeta } from '../protocol/result-meta.ts'
import { type State, states } from '../protocol/states.ts'
import { neverRun, onFailure, onSuccess } from './callbacks.ts'
import { failure } from './failure.ts'
import type { Failure, Outcome } from './outcome.ts'
import { nextAttempt } from './retry.ts'

/** What an execution needs of the place where it runs. */
export interface TraceEnvironment {
  readonly app: Celery
  readonly backend: Backend
  readonly log: Logger
  sendEvent(type: string, fields?: Record<string, unknown>): void
}

/**
 * Runs one task, from STARTED to its result: the story that every pool tells. What the task leads to is sent before
 * its result is stored, so that whoever sees the result can see its children. Never throws.
 */
export async function trace(request: TaskRequest, signal: AbortSignal, env: TraceEnvironment): Promise<Outcome> {
  const { app } = env
  const task = app.tasks.get(request.task)
  if (!task) return { state: 'REJECTED', requeue: false, reason: `unregistered task ${request.task}` }
  const children: ResultTuple[] = []
  const results = new ResultWriter(request, children, task, env)
  const startedAt = performance.now()
  const runtime = () => performance.now() - startedAt

  const fail = async (thrown: unknown): Promise<Outcome> => {
    const error = failure(thrown, request.task)
    await send(app, onFailure(request), request, children)
    await results.failed(error)
    return { state: 'FAILURE', error, runtimeMs: runtime(), isExpected: isExpected(thrown, task) }
  }

  try {
    await results.started()
    const context = createContext(request, signal, results, env)
    const value = await runInTask(request, children, async () => task.run(context, request.args, request.kwargs))
    await send(app, onSuccess(request, value), request, children)
    await results.succeeded(value)
    return { state: 'SUCCESS', value, runtimeMs: runtime() }
  } catch (thrown) {
    if (thrown instanceof Ignore) return { state: 'IGNORED' }
    if (thrown instanceof Reject) return { state: 'REJECTED', requeue: thrown.requeue, reason: thrown.message }
    if (!(thrown instanceof Retry)) return fail(thrown)
    const next = nextAttempt(request, thrown, task.options, app.clock.now())
    if ('exceeded' in next) return fail(next.exceeded)
    try {
      await app.resend(next.message, { queue: request.deliveryInfo.routingKey })
    } catch (cause) {
      return fail(new Error('the next attempt could not be sent', { cause }))
    }
    const error = failure(thrown.cause ?? thrown, request.task)
    await results.retried(error)
    return { state: 'RETRY', error, inMs: next.inMs }
  }
}

async function send(app: Celery, following: Signature[], request: TaskRequest, children: ResultTuple[]): Promise<void> {
  for (const signature of following) await runInTask(request, children, () => app.send(signature))
}

function isExpected(thrown: unknown, { options }: Task): boolean {
  return (options.throws ?? []).some((expected) => thrown instanceof expected)
}

function createContext(
  request: TaskRequest,
  signal: AbortSignal,
  results: ResultWriter,
  { log, sendEvent }: TraceEnvironment,
): TaskContext {
  return {
    request,
    signal,
    log,
    sendEvent: (type, fields) => sendEvent(type, { uuid: request.id, ...fields }),
    updateState: (state, meta) => results.write(state, { result: meta }),
    retry(options = {}) {
      throw new Retry(options)
    },
  }
}

/** Stores the states of one task, as its options and the settings want them stored. */
class ResultWriter {
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
    const fields = { result: error.info, traceback: error.traceback }
    const isKept = !this.#request.ignoreResult || this.#env.app.conf.taskStoreErrorsEvenIfIgnored
    if (isKept) await this.write(states.FAILURE, fields)
    for (const id of neverRun(this.#request)) {
      await this.#store(resultMeta({ task_id: id, status: states.FAILURE, ...fields }, this.#env.app.clock.now()))
    }
  }

  async retried(error: Failure): Promise<void> {
    if (this.#request.ignoreResult) return
    await this.write(states.RETRY, { result: error.info, traceback: error.traceback })
  }

  async write(status: State, fields: { result?: unknown; traceback?: string }): Promise<void> {
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
    await this.#store(resultMeta(given, this.#env.app.clock.now()))
  }

  // A backend that is away does not undo what the task did; it is told where people look. A value that cannot be
  // encoded is the task's own failure.
  async #store(meta: ResultMeta): Promise<void> {
    try {
      await this.#env.backend.store(meta)
    } catch (error) {
      if (!(error instanceof CeleryError)) throw error
      this.#env.log.critical(`the state ${meta.status} of ${meta.task_id} could not be stored: ${messageOf(error)}`)
    }
  }
}
