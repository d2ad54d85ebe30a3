import { parseRate } from '../app/rate.ts'

/** How fast a worker may begin tasks, by name: a bucket of one token each, as in Celery. */
export class RateLimits {
  readonly #declared: (task: string) => string | number | null | undefined
  readonly #changed = new Map<string, number>()
  /** The earliest time of the next run, in epoch milliseconds. */
  readonly #nextRun = new Map<string, number>()

  constructor(declared: (task: string) => string | number | null | undefined) {
    this.#declared = declared
  }

  /** Books the next run of a task: the time at which it may begin, `now` when that is at once. */
  book(task: string, now: number): number {
    const rate = this.#changed.get(task) ?? parseRate(this.#declared(task))
    if (rate === 0) return now
    const at = Math.max(now, this.#nextRun.get(task) ?? 0)
    this.#nextRun.set(task, at + 1000 / rate)
    return at
  }

  /** Sets another limit from now on. */
  change(task: string, rate: string | number): void {
    this.#changed.set(task, parseRate(rate))
    this.#nextRun.delete(task)
  }
}
