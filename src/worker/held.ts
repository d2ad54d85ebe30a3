import type { Clock, Timer } from '../clock.ts'
import type { Request } from './request.ts'

/** A request, and the time until which it is held, in epoch milliseconds. */
export interface HeldRequest {
  readonly request: Request
  readonly untilMs: number
}

/**
 * Requests that may not begin yet, because of their ETA or their task's rate. They stay unacknowledged, so that a
 * worker that dies loses none of them.
 */
export class Held {
  readonly #clock: Clock
  readonly #held = new Map<Request, { untilMs: number; timer: Timer }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#held.size
  }

  hold(request: Request, untilMs: number, onDue: () => void): void {
    const timer = this.#clock.timer(() => {
      this.#held.delete(request)
      onDue()
    }, untilMs - this.#clock.now())
    this.#held.set(request, { untilMs, timer })
  }

  /** Soonest first. */
  list(): HeldRequest[] {
    const held = [...this.#held].map(([request, { untilMs }]) => ({ request, untilMs }))
    return held.sort((a, b) => a.untilMs - b.untilMs)
  }

  /** Takes one out before its time. */
  release(request: Request): void {
    this.#held.get(request)?.timer.cancel()
    this.#held.delete(request)
  }

  /** Lets go of everything; the transport gives the messages back. */
  clear(): void {
    for (const { timer } of this.#held.values()) timer.cancel()
    this.#held.clear()
  }
}
