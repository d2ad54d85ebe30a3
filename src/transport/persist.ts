import { type Clock, sleep } from '../clock.ts'
import { CeleryError } from '../errors.ts'

/** How often, and after which pauses, something is tried again: each pause is a step longer than the one before. */
export interface RetryPolicy {
  /** Attempts after the first. */
  readonly retries: number
  readonly stepMs: number
  readonly longestMs: number
}

/** Tries again while the broker is away for a moment. */
export async function persist<T>(action: () => Promise<T>, clock: Clock, policy: RetryPolicy): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await action()
    } catch (error) {
      const isPassing = error instanceof CeleryError && error.code === 'BROKER_UNREACHABLE'
      if (!isPassing || attempt >= policy.retries) throw error
      await sleep(clock, Math.min(attempt * policy.stepMs, policy.longestMs))
    }
  }
}
