import { SoftTimeLimitExceeded, Terminated } from '../app/exceptions.ts'
import type { AbortReason } from './pool.ts'

/** What a task's signal aborts with. */
export const abortErrors: Readonly<Record<AbortReason, () => Error>> = {
  'soft-time-limit': () => new SoftTimeLimitExceeded(),
  terminated: () => new Terminated(),
}
