import { type Clock, sleep } from '../clock.ts'
import { CeleryError } from '../errors.ts'

/** How often and after which pauses something is tried again, as Celery's retry policies have it. Times are seconds. */
export interface RetryPolicy {
  /** Attempts after the first; null for no limit. */
  readonly maxRetries: number | null
  /** The first pause; each further one is `intervalStep` longer, up to `intervalMax`. */
  readonly intervalStart: number
  readonly intervalStep: number
  readonly intervalMax: number
}

/** Tries again while the broker is away for a moment. */
export async function persist<T>(action: () => Promise<T>, clock: Clock, policy: RetryPolicy): Promise<T> {
  const { maxRetries, intervalStart, intervalStep, intervalMax } = policy
  for (let attempt = 0; ; attempt++) {
    try {
      return await action()
    } catch (error) {
      const isPassing = error instanceof CeleryError && error.code === 'BROKER_UNREACHABLE'
      if (!isPassing || (maxRetries !== null && attempt >= maxRetries)) throw error
      await sleep(clock, Math.min(intervalStart + attempt * intervalStep, intervalMax) * 1000)
    }
  }
}
