import type { Clock, Timer } from '../clock.ts'
import type { Request } from './request.ts'

/** Requests whose time has not come. They stay unacknowledged, so that a worker that dies loses none of them. */
export class EtaSchedule {
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
  list(): { request: Request; untilMs: number }[] {
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
