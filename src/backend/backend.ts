import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { ResultMeta } from '../protocol/result-meta.ts'

/** Keeps results: the worker stores, the caller looks, waits or forgets. */
export interface Backend {
  readonly name: 'memory' | 'redis' | 'disabled'
  /** Without secrets, for people. */
  readonly url: string

  /**
   * Keeps a task's state until `resultExpires`. A stored SUCCESS is never overwritten: a task that was delivered
   * twice does not change what its caller has already seen.
   */
  store(meta: ResultMeta): Promise<void>

  /** Undefined when nothing is known of the task, which Celery calls PENDING. */
  get(taskId: string): Promise<ResultMeta | undefined>

  /** Calls back with what is stored now, if anything, and with every change after that, until the returned function is called. */
  watch(taskId: string, onMeta: (meta: ResultMeta) => void): Promise<() => void>

  forget(taskId: string): Promise<void>

  close(): Promise<void>
}

export interface BackendOptions {
  clock: Clock
  log: Logger
  connectTimeoutMs: number
  /** Seconds a result is kept; 0 keeps it for ever. */
  resultExpires: number
}
