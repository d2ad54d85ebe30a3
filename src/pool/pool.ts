import type { TaskRequest } from '../app/context.ts'
import type { Service } from '../service.ts'
import type { Outcome } from '../trace/outcome.ts'

/** Where tasks run: at most `concurrency` at one time, in the order they were given. */
export interface Pool extends Service {
  /** As `--pool` names it. */
  readonly name: PoolName
  readonly concurrency: number
  /** Whether a running task can be ended against its will, which time limits and `revoke(terminate=True)` ask for. */
  readonly canTerminate: boolean
  /** Resolves when tasks can begin; rejects when this pool cannot run the app. */
  start(): Promise<void>
  /** Runs a task when there is a place for it. Resolves with how it ended; it never rejects. */
  run(request: TaskRequest, options?: RunOptions): Promise<Outcome>
  /** Finishes what runs; what stands in line is sent away, and its `run` resolves without having begun. */
  stop(): Promise<void>
  /** Ends at once, with whatever runs. */
  terminate(): Promise<void>
  /** Takes effect as tasks end; none is cut off. */
  resize(concurrency: number): void
  /** Lets new children take the places of those there are, each as its task ends. @throws {Error} when there are none */
  restart(): void
  /** What `inspect stats` tells of it, in Celery's words. */
  stats(): Record<string, unknown>
}

export interface RunOptions {
  /** Asked when there is a place: false sends the task away, as time may have passed in line. */
  isWanted?: () => boolean
  /** Told when the task leaves the line and begins. */
  onStart?: (job: Job) => void
}

/** A running task, for those who would end it before its time. */
export interface Job {
  /** The process in which it runs. */
  readonly pid: number
  /** Asks the task to end: its context's `signal` aborts. */
  abort(reason: AbortReason): void
  /** Ends the place where it runs; does nothing in a pool that cannot. */
  terminate(signal: NodeJS.Signals): void
}

/** Why a task's signal aborts. */
export type AbortReason = 'soft-time-limit' | 'terminated'

export type PoolName = 'async' | 'solo' | 'prefork' | 'threads'
