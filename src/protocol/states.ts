/** Celery's task states. Custom ones (`PROGRESS`) are any other string. */
export const states = {
  PENDING: 'PENDING',
  RECEIVED: 'RECEIVED',
  STARTED: 'STARTED',
  SUCCESS: 'SUCCESS',
  FAILURE: 'FAILURE',
  REVOKED: 'REVOKED',
  REJECTED: 'REJECTED',
  RETRY: 'RETRY',
  IGNORED: 'IGNORED',
} as const

export type State = (typeof states)[keyof typeof states] | (string & {})

/** The task is done; its meta will not change any more. */
export const readyStates: ReadonlySet<State> = new Set([states.SUCCESS, states.FAILURE, states.REVOKED])

/** The meta's `result` is an exception. */
export const exceptionStates: ReadonlySet<State> = new Set([states.RETRY, states.FAILURE, states.REVOKED])

/** `get()` throws the exception. */
export const propagateStates: ReadonlySet<State> = new Set([states.FAILURE, states.REVOKED])
