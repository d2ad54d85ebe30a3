import { loadavg, type as system } from 'node:os'
import { type Clock, every, type Timer } from '../clock.ts'
import type { Dispatcher } from '../events/dispatcher.ts'
import type { LamportClock } from '../protocol/lamport.ts'
import type { Service } from '../service.ts'
import { version } from '../version.ts'
import type { WorkerState } from './state.ts'
import { Vitals } from './vitals.ts'

export interface HeartbeatOptions {
  readonly events: Dispatcher
  readonly state: WorkerState
  readonly clock: Clock
  readonly lamport: LamportClock
  readonly intervalMs: number
  readonly onSent?: () => void
}

type Beat = 'worker-online' | 'worker-heartbeat' | 'worker-offline'

/** Tells monitors that the worker is there: once when it comes, again and again, once when it goes. */
export class Heartbeat implements Service {
  /** For who stands in while this event loop is blocked. */
  readonly vitals: Vitals = new Vitals()
  readonly #options: HeartbeatOptions
  #timer: Timer | undefined

  constructor(options: HeartbeatOptions) {
    this.#options = options
    options.state.onChange = () => this.#share()
  }

  async start(): Promise<void> {
    if (this.#timer) return
    this.beat('worker-online')
    const { clock, intervalMs } = this.#options
    this.#timer = every(clock, intervalMs, () => this.beat())
  }

  async stop(): Promise<void> {
    if (!this.#timer) return
    this.#timer.cancel()
    this.#timer = undefined
    this.beat('worker-offline')
    await this.#options.events.flush()
  }

  beat(type: Beat = 'worker-heartbeat'): void {
    const { events, clock, lamport, intervalMs, onSent } = this.#options
    // Who stood in has gone on counting.
    if (this.vitals.clock > lamport.value) lamport.adjust(this.vitals.clock)
    this.#share()
    events.send(type, vitalSigns(this.vitals, intervalMs))
    this.vitals.beatAt = clock.now()
    onSent?.()
  }

  #share(): void {
    const { state, lamport } = this.#options
    this.vitals.active = state.active.size
    this.vitals.processed = state.processed
    this.vitals.clock = Math.max(this.vitals.clock, lamport.value)
  }
}

/** The fields of a heartbeat. */
export function vitalSigns({ active, processed }: Vitals, intervalMs: number): Record<string, unknown> {
  return {
    freq: intervalMs / 1000,
    active,
    processed,
    loadavg: loadavg().map((load) => Math.round(load * 100) / 100),
    sw_ident: 'celery-sandbox',
    sw_ver: version,
    sw_sys: system(),
  }
}
