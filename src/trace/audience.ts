import { runInTask, type TaskContext } from '../app/context.ts'
import type { Signal } from '../app/signal.ts'
import type { Task, TaskHooks } from '../app/task.ts'
import { messageOf } from '../errors.ts'
import type { ResultTuple } from '../protocol/result-meta.ts'
import type { State } from '../protocol/states.ts'
import type { TraceEnvironment } from './environment.ts'

/**
 * Those who are told how an execution goes: the task's own hooks, then who listens to the app's signals. They hear it
 * after the fact, as part of the task; what goes wrong there is logged, and changes nothing.
 */
export class Audience {
  readonly #self: TaskContext
  readonly #task: Task
  readonly #children: ResultTuple[]
  readonly #env: TraceEnvironment

  constructor(self: TaskContext, task: Task, children: ResultTuple[], env: TraceEnvironment) {
    this.#self = self
    this.#task = task
    this.#children = children
    this.#env = env
  }

  async begins(): Promise<void> {
    await this.#send(this.#env.app.signals.taskPrerun, this.#execution)
  }

  async succeeded(value: unknown): Promise<void> {
    await this.#hook('onSuccess', value)
    await this.#hook('afterReturn', 'SUCCESS', value)
    await this.#send(this.#env.app.signals.taskSuccess, { request: this.#self.request, result: value })
    await this.ended('SUCCESS', value)
  }

  async failed(exception: unknown, traceback: string | null): Promise<void> {
    const { taskId, args, kwargs } = this.#execution
    await this.#hook('onFailure', exception)
    await this.#hook('afterReturn', 'FAILURE', exception)
    await this.#send(this.#env.app.signals.taskFailure, { taskId, args, kwargs, exception, traceback })
    await this.ended('FAILURE', exception)
  }

  async retried(reason: unknown, traceback: string | null): Promise<void> {
    await this.#hook('onRetry', reason)
    await this.#hook('afterReturn', 'RETRY', reason)
    await this.#send(this.#env.app.signals.taskRetry, { request: this.#self.request, reason, traceback })
    await this.ended('RETRY', reason)
  }

  async ended(state: State, retval: unknown): Promise<void> {
    await this.#send(this.#env.app.signals.taskPostrun, { ...this.#execution, retval, state })
  }

  /** Does what may go wrong without consequence. */
  async tell(what: string, how: () => unknown): Promise<void> {
    const { request } = this.#self
    try {
      await runInTask(request, this.#children, how)
    } catch (error) {
      this.#env.log.error(`${what} of ${request.task}[${request.id}] failed: ${messageOf(error)}`, { error })
    }
  }

  async #hook(name: keyof TaskHooks, ...args: unknown[]): Promise<void> {
    const hook = this.#task.options[name] as ((self: TaskContext, ...args: unknown[]) => unknown) | undefined
    if (hook) await this.tell(`the hook ${name}`, () => hook(this.#self, ...args))
  }

  async #send<Payload extends object>(signal: Signal<Payload>, payload: Payload): Promise<void> {
    const { request } = this.#self
    if (signal.isConnected)
      await runInTask(request, this.#children, () => signal.send(request.task, payload, this.#env.log))
  }

  get #execution() {
    const { id: taskId, args, kwargs } = this.#self.request
    return { taskId, task: this.#task, args, kwargs }
  }
}
