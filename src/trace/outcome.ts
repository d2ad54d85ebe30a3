import type { ExceptionInfo } from '../protocol/exception.ts'

/** How an execution ended. Everything in it is plain data: it may come from another process. */
export type Outcome =
  | { readonly state: 'SUCCESS'; readonly value: unknown; readonly runtimeMs: number }
  | { readonly state: 'FAILURE'; readonly error: Failure; readonly runtimeMs: number; readonly isExpected: boolean }
  /** Sent again; `inMs` is the time until the next attempt. */
  | { readonly state: 'RETRY'; readonly error: Failure; readonly inMs: number }
  | { readonly state: 'IGNORED' }
  | { readonly state: 'REJECTED'; readonly requeue: boolean; readonly reason: string }
  /** Ended from outside, with nothing stored: its child died, or it gave way to its signal. */
  | { readonly state: 'TERMINATED'; readonly how: string }

export interface Failure {
  readonly info: ExceptionInfo
  /** The stack, without the frames of this library; null when the task did not tell its end itself. */
  readonly traceback: string | null
}

export const terminated = (how: string): Outcome => ({ state: 'TERMINATED', how })

/** How a task ends that has not begun. */
export const sentAway: Outcome = terminated('it had not begun')
