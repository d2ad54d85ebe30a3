import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { RetryPolicy } from '../persist.ts'
import type { ResultMeta, ResultTuple } from '../protocol/result-meta.ts'
import type { State } from '../protocol/states.ts'
import type { Transport } from '../transport/transport.ts'

/** Keeps results: the worker stores, the caller looks, waits or forgets. */
export interface Backend {
  readonly name: 'memory' | 'redis' | 'rpc' | 'database' | 'disabled'
  /** Without secrets, for people. */
  readonly url: string
  /** Whoever opens it sees the results of all. */
  readonly isShared: boolean

  /**
   * Keeps a task's state until `resultExpires`. A stored SUCCESS is never overwritten: a task that was delivered
   * twice does not change what its caller has already seen.
   *
   * @param caller who asked for the task, for backends that answer instead of keeping
   */
  store(meta: ResultMeta, caller?: Caller): Promise<void>

  /** Undefined when nothing is known of the task, which Celery calls PENDING. */
  get(taskId: string): Promise<ResultMeta | undefined>

  /**
   * Calls back with what is stored now, if anything, and with every change after that, until the returned function is
   * called.
   *
   * @param onError told when what is stored cannot be read
   */
  watch(taskId: string, onMeta: (meta: ResultMeta) => void, onError?: (error: Error) => void): Promise<() => void>

  forget(taskId: string): Promise<void>

  /** For a backend whose results come as messages: to be called before a task is sent, or its results have no way back. */
  listen?(): Promise<void>

  /** Groups of results under an id, where they can be kept. */
  readonly groups?: GroupStore

  /** Chords, where ends can be counted. */
  readonly chords?: ChordStore

  /** Deletes what has expired, for a backend where that does not happen by itself. */
  cleanUp?(): Promise<void>

  close(): Promise<void>
}

export interface GroupStore {
  save(groupId: string, tuple: ResultTuple): Promise<void>
  restore(groupId: string): Promise<ResultTuple | undefined>
  delete(groupId: string): Promise<void>
}

/** Counts the ends of a chord's header: as members, however often each is told. */
export interface ChordStore {
  /**
   * Says how many ends there are, before the first can come.
   *
   * @param header kept where its members are groups themselves, as the values then do not tell how they belong together
   */
  expect(groupId: string, size: number, header: ResultTuple): Promise<void>

  /** Waits for so many ends more. */
  extend(groupId: string, by: number): Promise<void>

  /**
   * Notes an end. Gives all of them, in the order of their places, to the one that completes them; again to the same
   * one if it is told again, as it may have died before it could do anything. So a body is sent at least once, if its
   * header's tasks are acknowledged late; one that is acknowledged early and lost at that moment takes it along.
   */
  end(groupId: string, member: ChordMember): Promise<ChordMember[] | undefined>

  /** The body is on its way: nothing needs to be known any more. */
  forget(groupId: string): Promise<void>
}

/** One end of a chord's header. */
export interface ChordMember {
  readonly id: string
  /** Its place in the group; null comes last. */
  readonly index: number | null
  readonly state: State
  /** The value, or an ExceptionInfo. */
  readonly result: unknown
}

/** Whether a group has members that are groups themselves. */
export const isNested = ([, members]: ResultTuple): boolean => members?.some(([, inner]) => inner !== null) ?? false

/** Where a task's message says that its results shall go; the message itself is one. */
export interface Caller {
  /** The caller's queue of replies. */
  readonly replyTo: string | null
  readonly correlationId: string
}

/** Celery's own for results: once a second, twenty times. */
export const storePolicy: RetryPolicy = { maxRetries: 20, intervalStart: 0, intervalStep: 1, intervalMax: 1 }

export interface BackendOptions {
  clock: Clock
  log: Logger
  connectTimeoutMs: number
  /** Seconds a result is kept; 0 keeps it for ever. */
  resultExpires: number
  /** Redis: what the name of every key begins with. */
  globalKeyprefix: string
  /** Sentinel: the name of the master. */
  masterName: string | null
  /** Redis: seconds between questions whether a connection still lives; without an answer a new one is made. */
  healthCheckInterval: number
  /** rpc: results survive a restart of the broker. */
  resultPersistent: boolean
  /** rpc: the name under which this process is answered. */
  oid: string
  /** rpc: the connection that carries results; stays its owner's to close. */
  transport: () => Promise<Transport>
}
