import { AsyncLocalStorage } from 'node:async_hooks'
import type { Canvas } from '../canvas/canvas.ts'
import type { Logger } from '../log.ts'
import type { DeliveryInfo } from '../protocol/message.ts'
import type { ResultTuple } from '../protocol/result-meta.ts'
import type { TaskMessage } from '../protocol/task-message.ts'
import type { Result } from '../result/result.ts'
import type { RetryOptions } from './exceptions.ts'

/** One execution of a task: its message, and where it runs. Celery's `self.request`. */
export interface TaskRequest extends TaskMessage {
  /** Node name of the worker. */
  readonly hostname: string
  readonly deliveryInfo: DeliveryInfo
  /** It runs in its caller, without a broker. */
  readonly isEager?: boolean
}

/** What a bound task gets as its first parameter: Celery's `self`. */
export interface TaskContext {
  readonly request: TaskRequest
  /** Aborts when the task shall end: soft time limit, revocation, shutdown. */
  readonly signal: AbortSignal
  /** Lines carry the task's id and name. */
  readonly log: Logger
  /**
   * Ends this attempt and sends the task again.
   *
   * @throws {Retry} always
   * @example
   * if (response.status === 503) self.retry({ countdown: 2 ** self.request.retries })
   */
  retry(options?: RetryOptions): never
  /**
   * Ends this task and lets another, or a whole workflow, take its place: under the same id, with the same links, so
   * that the caller gets its result; of a group, the list. `return self.replace(chain(add.s(2, 2), mul.s(8)))`.
   *
   * @throws {Ignore} always, once the other is sent
   */
  replace(signature: Canvas): Promise<never>
  /**
   * Lets the chord in whose header this task is wait for one more, whose value is then among those of the header.
   *
   * @throws {CeleryError} UNSUPPORTED outside of a chord, and where results are kept by nobody who counts
   */
  addToChord(signature: Canvas): Promise<Result>
  /** Stores a state of the task's own, for callers to see: `await self.updateState('PROGRESS', { done: 3, of: 10 })`. */
  updateState(state: string, meta?: unknown): Promise<void>
  /** Tells monitors something; `type` should begin with `task-`. */
  sendEvent(type: string, fields?: Record<string, unknown>): void
}

interface Running {
  readonly request: TaskRequest
  /** Calls made by the task, in order. */
  readonly children: ResultTuple[]
}

const running = new AsyncLocalStorage<Running>()

/** The task in which this code runs, also across `await`; undefined outside of any. */
export const currentTask = (): Running | undefined => running.getStore()

export function runInTask<T>(request: TaskRequest, children: ResultTuple[], run: () => T): T {
  return running.run({ request, children }, run)
}
