import { isObject, isoDate } from './json.ts'
import { readyStates, type State } from './states.ts'

/** A result and what it led to: `[[id, parent], children]`; children are given for groups only. */
export type ResultTuple = [[id: string, parent: ResultTuple | null], children: ResultTuple[] | null]

/** What a result backend keeps of one task, with Celery's own keys. */
export interface ResultMeta {
  status: State
  /** The value, or an ExceptionInfo in exception states. */
  result: unknown
  traceback: string | null
  /** [] for a task that ended, null when written outside a task. */
  children: ResultTuple[] | null
  /** ISO 8601; only in ready states. */
  date_done: string | null
  task_id: string
  group_id?: string
  parent_id?: string
  /** From here on only with `resultExtended`. */
  name?: string
  args?: readonly unknown[]
  kwargs?: Readonly<Record<string, unknown>>
  worker?: string
  retries?: number
  queue?: string
}

type Given = Pick<ResultMeta, 'task_id' | 'status'> & Partial<Omit<ResultMeta, 'date_done'>>

/** @param now epoch milliseconds */
export function resultMeta(given: Given, now: number): ResultMeta {
  const { task_id, status, result = null, traceback = null, children = [], ...rest } = given
  const date_done = readyStates.has(status) ? isoDate(new Date(now)) : null
  return { status, result, traceback, children, date_done, ...rest, task_id }
}

/** Reads what a peer stored; undefined when it is no meta. Unknown keys are kept. */
export function parseResultMeta(value: unknown): ResultMeta | undefined {
  if (!isObject(value)) return undefined
  const { status, task_id } = value
  if (typeof status !== 'string' || typeof task_id !== 'string') return undefined
  return { result: null, traceback: null, children: null, date_done: null, ...value, status, task_id }
}
