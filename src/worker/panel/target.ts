import type { Celery } from '../../app/app.ts'
import type { ControlledWorker } from '../../app/commands.ts'
import type { Command } from '../../control/command.ts'
import type { Pool } from '../../pool/pool.ts'
import type { Queue } from '../../protocol/entity.ts'
import type { LamportClock } from '../../protocol/lamport.ts'
import { repr } from '../../protocol/repr.ts'
import type { Autoscaler } from '../autoscale.ts'
import type { Gossip } from '../gossip.ts'
import type { Heartbeat } from '../heartbeat.ts'
import type { HeldRequest } from '../held.ts'
import type { WorkerState } from '../state.ts'
import type { TimeLimits } from '../time-limit.ts'

/** What remote control can reach in a worker. */
export interface PanelTarget extends ControlledWorker {
  readonly app: Celery
  readonly state: WorkerState
  readonly limits: TimeLimits
  readonly heartbeat: Heartbeat
  readonly gossip: Gossip | undefined
  readonly clock: LamportClock
  readonly pool: Pool
  readonly autoscaler: Autoscaler | undefined
  /** Epoch milliseconds. */
  readonly startedAt: number
  queues(): readonly Queue[]
  /** What waits for its time, soonest first. */
  scheduled(): readonly HeldRequest[]
  /** @throws {Error} for what is no rate */
  changeRate(task: string, rate: string | number): void
  /** Serves these queues and no others from now on. */
  serve(queues: readonly Queue[]): Promise<void>
  /** Messages reserved ahead. */
  prefetch(): number
  /** Resizes the pool, and what is reserved ahead with it. */
  resize(concurrency: number): void
  /** False when it was so already. */
  setTaskEvents(enabled: boolean): boolean
  shutdown(): void
}

export type WorkerCommand = Command<PanelTarget>

/** A family of commands, by name. */
export type Commands = Readonly<Record<string, WorkerCommand>>

/** A text that a command cannot do without. @throws {TypeError} when it is not there */
export function named(args: Readonly<Record<string, unknown>>, argument: string): string {
  const value = args[argument]
  if (typeof value === 'string' && value !== '') return value
  throw new TypeError(`missing 1 required argument: '${argument}'`)
}

/** One text or several. */
export const texts = (given: unknown): string[] =>
  Array.isArray(given) ? given.map(String) : given === undefined || given === null ? [] : [String(given)]

/** A number that may be left out. */
export function numberOr<T>(given: unknown, otherwise: T): number | T {
  if (given === undefined || given === null) return otherwise
  const number = Number(given)
  if (!Number.isFinite(number)) throw new RangeError(`${repr(given)} is no number`)
  return number
}
