import { loadavg, type as system } from 'node:os'
import type { Clock, Timer } from '../clock.ts'
import type { Dispatcher } from '../events/dispatcher.ts'
import type { Service } from '../service.ts'
import { version } from '../version.ts'
import type { WorkerState } from './state.ts'

const intervalMs = 2_000

/** Tells monitors that the worker is there: once when it comes, every two seconds, once when it goes. */
export class Heartbeat implements Service {
  readonly #events: Dispatcher
  readonly #state: WorkerState
  readonly #clock: Clock
  readonly #onSent: () => void
  #timer: Timer | undefined

  constructor(events: Dispatcher, state: WorkerState, clock: Clock, onSent: () => void = () => {}) {
    this.#events = events
    this.#state = state
    this.#clock = clock
    this.#onSent = onSent
  }

  async start(): Promise<void> {
    if (this.#timer) return
    this.beat('worker-online')
    this.#schedule()
  }

  async stop(): Promise<void> {
    if (!this.#timer) return
    this.#timer.cancel()
    this.#timer = undefined
    this.beat('worker-offline')
    await this.#events.flush()
  }

  beat(type: 'worker-online' | 'worker-heartbeat' | 'worker-offline' = 'worker-heartbeat'): void {
    this.#events.send(type, {
      freq: intervalMs / 1000,
      active: this.#state.active.size,
      processed: this.#state.processed,
      loadavg: loadavg().map((load) => Math.round(load * 100) / 100),
      sw_ident: 'celery-sandbox',
      sw_ver: version,
      sw_sys: system(),
    })
    this.#onSent()
  }

  #schedule(): void {
    this.#timer = this.#clock.timer(() => {
      this.beat()
      this.#schedule()
    }, intervalMs)
  }
}
