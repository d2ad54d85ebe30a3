import type { ExceptionInfo } from '../protocol/exception.ts'

/** How an execution ended. Everything in it is plain data: it may come from another process. */
export type Outcome =
  | { readonly state: 'SUCCESS'; readonly value: unknown; readonly runtimeMs: number }
  | { readonly state: 'FAILURE'; readonly error: Failure; readonly runtimeMs: number; readonly isExpected: boolean }
  /** Sent again; `inMs` is the time until the next attempt. */
  | { readonly state: 'RETRY'; readonly error: Failure; readonly inMs: number }
  | { readonly state: 'IGNORED' }
  | { readonly state: 'REJECTED'; readonly requeue: boolean; readonly reason: string }

export interface Failure {
  readonly info: ExceptionInfo
  /** The stack, without the frames of this library. */
  readonly traceback: string
}
