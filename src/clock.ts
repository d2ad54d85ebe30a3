/** A timer that was set; cancelling twice, or after it fired, is harmless. */
export interface Timer {
  cancel(): void
}

/**
 * Where time comes from. Everything that waits or reads the time takes one, so that tests and the embedded engine
 * can move it.
 */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `run` once, `delayMs` from now; keeps the process alive until then. */
  timer(run: () => void, delayMs: number): Timer
}

/** The time of a clock in ISO 8601. */
export const isoNow = (clock: Clock): string => new Date(clock.now()).toISOString()

// setTimeout takes a signed 32-bit delay and fires at once beyond it: longer waits go in steps.
const longestStepMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: Date.now,
  timer(run, delayMs) {
    const due = Date.now() + delayMs
    let handle: NodeJS.Timeout
    const step = () => {
      const leftMs = due - Date.now()
      handle = leftMs > longestStepMs ? setTimeout(step, longestStepMs) : setTimeout(run, Math.max(0, leftMs))
    }
    step()
    return { cancel: () => clearTimeout(handle) }
  },
}

/** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const timer = clock.timer(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, delayMs)
    const onAbort = () => {
      timer.cancel()
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Calls `run` again and again, until it is cancelled; the first time `intervalMs` from now. */
export function every(clock: Clock, intervalMs: number, run: () => void): Timer {
  const tick = () => {
    timer = clock.timer(tick, intervalMs)
    run()
  }
  let timer = clock.timer(tick, intervalMs)
  return { cancel: () => timer.cancel() }
}

/** A clock that stands still until it is told to move: due timers run in order, each at its own time. */
export class ManualClock implements Clock {
  #now: number
  readonly #timers = new Set<{ due: number; run: () => void }>()

  constructor(startMs = 0) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  timer(run: () => void, delayMs: number): Timer {
    const entry = { due: this.#now + Math.max(0, delayMs), run }
    this.#timers.add(entry)
    return { cancel: () => void this.#timers.delete(entry) }
  }

  /** Moves forward by `ms` and runs what falls due on the way. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let next = this.#earliest(end); next; next = this.#earliest(end)) {
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.due)
      next.run()
    }
    this.#now = end
  }

  #earliest(end: number) {
    let earliest: { due: number; run: () => void } | undefined
    for (const timer of this.#timers) {
      if (timer.due <= end && (!earliest || timer.due < earliest.due)) earliest = timer
    }
    return earliest
  }
}
