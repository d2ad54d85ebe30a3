import type { Backend } from '../backend/backend.ts'
import type { Clock } from '../clock.ts'
import type { Control } from '../control/control.ts'
import { CeleryError } from '../errors.ts'
import type { ControlReply } from '../protocol/control.ts'
import type { ErrorClasses } from '../protocol/exception.ts'
import type { ResultMeta, ResultTuple } from '../protocol/result-meta.ts'
import { type State, states } from '../protocol/states.ts'

/** What a caller holds: of one task, or of several. */
export interface Result<R = unknown> {
  readonly id: string
  /** The result that led to this one, for a step of a chain. */
  readonly parent: Result | undefined
  get(options?: GetOptions): Promise<R>
  ready(): Promise<boolean>
  successful(): Promise<boolean>
  failed(): Promise<boolean>
  /** What it led to: the calls of a task, the members of a group. */
  children(): Promise<readonly Result[]>
  /** Throws what a failed task threw; waits for nothing. */
  maybeThrow(): Promise<void>
  /** Deletes what the backend keeps. */
  forget(): Promise<void>
  revoke(options?: RevokeOptions): Promise<ControlReply>
  /** How it is kept beside other results. */
  toTuple(): ResultTuple
}

export interface GetOptions {
  /** Seconds to wait; by default for ever. */
  timeout?: number
  /** Throw the task's exception (default), or resolve to it. */
  propagate?: boolean
  /** Told of every state on the way, for example PROGRESS with its meta. */
  onMessage?: (meta: ResultMeta) => void
  /** Ends the waiting. */
  signal?: AbortSignal
  /** Waiting inside a task is refused, because the awaited task may need the place of the one that waits. @default true */
  disableSyncSubtasks?: boolean
}

export interface RevokeOptions {
  /** Also end it if it runs. @default false */
  terminate?: boolean
  /** @default 'SIGTERM' */
  signal?: string
  /** Collect what the workers answer. @default false */
  wait?: boolean
  /** Seconds to wait for their answers. @default 1 */
  timeout?: number
}

/** What a result needs from its surroundings: not the app, only where results are and what time it is. */
export interface ResultSource {
  backend(): Promise<Backend>
  readonly control: Control
  readonly clock: Clock
  /** What the tasks' exceptions become here. */
  readonly errors: ErrorClasses
  /** Whether this code runs inside a task. */
  isInTask(): boolean
  fromTuple(tuple: ResultTuple): Result
}

/** Nothing within the time: the message says how far the task has come. */
export class TimeoutError extends CeleryError {
  constructor(id: string, seconds: number | undefined, state: State) {
    const unknown = state === states.PENDING ? ', so it waits for a worker, or nobody ever sent it' : ''
    super('TIMEOUT', `no result of ${id} within ${seconds} s: it is ${state}${unknown}`)
    this.name = 'TimeoutError'
  }
}

/** @throws {CeleryError} JOIN_IN_TASK */
export function assertWillNotBlock(source: ResultSource, { disableSyncSubtasks = true }: GetOptions): void {
  if (disableSyncSubtasks && source.isInTask()) {
    throw new CeleryError(
      'JOIN_IN_TASK',
      'a task waits for the result of another, which may wait for its place for ever',
    )
  }
}
