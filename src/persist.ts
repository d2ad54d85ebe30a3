import { type Clock, sleep } from './clock.ts'
import { CeleryError, type ErrorCode } from './errors.ts'

/** How often and after which pauses something is tried again, as Celery's retry policies have it. Times are seconds. */
export interface RetryPolicy {
  /** Attempts after the first; null for no limit. */
  readonly maxRetries: number | null
  /** The first pause; each further one is `intervalStep` longer, up to `intervalMax`. */
  readonly intervalStart: number
  readonly intervalStep: number
  readonly intervalMax: number
}

export interface PersistOptions {
  /** Ends the waiting, and with it the attempts. */
  readonly signal?: AbortSignal
  /** Told before each pause. */
  readonly onFailure?: (error: CeleryError, attempt: number, pauseSeconds: number) => void
}

const passing: readonly ErrorCode[] = ['BROKER_UNREACHABLE', 'BACKEND_UNREACHABLE']

/** Tries again while a server is away for a moment; any other failure is one. */
export async function persist<T>(
  action: () => Promise<T>,
  clock: Clock,
  { maxRetries, intervalStart, intervalStep, intervalMax }: RetryPolicy,
  { signal, onFailure }: PersistOptions = {},
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await action()
    } catch (error) {
      const isPassing = error instanceof CeleryError && passing.includes(error.code)
      if (!isPassing || (maxRetries !== null && attempt >= maxRetries)) throw error
      const pauseSeconds = Math.min(intervalStart + attempt * intervalStep, intervalMax)
      onFailure?.(error, attempt + 1, pauseSeconds)
      await sleep(clock, pauseSeconds * 1000, signal)
    }
  }
}
