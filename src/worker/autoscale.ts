import type { Clock, Timer } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Service } from '../service.ts'

/** Seconds that a pool keeps its size after it grew; Celery's AUTOSCALE_KEEPALIVE. */
const keepalive = 30
const intervalMs = 1_000

export interface Range {
  readonly max: number
  readonly min: number
}

export interface AutoscaleTarget {
  /** Messages in hand: waiting or running. */
  load(): number
  size(): number
  resize(size: number): void
}

/** Lets a pool grow with its load, and shrink when it has not had to grow for a while. */
export class Autoscaler implements Service {
  range: Range
  readonly #target: AutoscaleTarget
  readonly #clock: Clock
  readonly #log: Logger
  /** Epoch milliseconds. */
  #grownAt: number
  #timer: Timer | undefined

  constructor(range: Range, target: AutoscaleTarget, { clock, log }: { clock: Clock; log: Logger }) {
    this.range = range
    this.#target = target
    this.#clock = clock
    this.#log = log
    this.#grownAt = clock.now()
  }

  async start(): Promise<void> {
    if (!this.#timer) this.#schedule()
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Looks at the load, and resizes the pool if that is due. */
  tick(now: number): void {
    const size = this.#target.size()
    const wanted = clamp(this.#target.load(), this.range)
    if (wanted > size) {
      this.#grownAt = now
      this.#log.info(`Scaling up ${wanted - size} processes.`)
      this.#target.resize(wanted)
    } else if (wanted < size && now - this.#grownAt > keepalive * 1000) {
      this.#log.info(`Scaling down ${size - wanted} processes.`)
      this.#target.resize(wanted)
    }
  }

  /** Takes effect at once. */
  update(given: Partial<Range>): Range {
    this.range = { ...this.range, ...given }
    this.#target.resize(clamp(this.#target.size(), this.range))
    return this.range
  }

  info(): Record<string, number> {
    return { ...this.range, current: this.#target.size(), qty: this.#target.load() }
  }

  #schedule(): void {
    this.#timer = this.#clock.timer(() => {
      this.tick(this.#clock.now())
      this.#schedule()
    }, intervalMs)
  }
}

const clamp = (size: number, { min, max }: Range) => Math.max(min, Math.min(max, size))
