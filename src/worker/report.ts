import type { LogLevel } from '../log.ts'
import { repr } from '../protocol/repr.ts'
import { describeFailure } from '../trace/failure.ts'
import type { Outcome } from '../trace/outcome.ts'

/** What logs and monitors say of an outcome, in Celery's words. */
export interface Report {
  readonly level: LogLevel
  readonly text: string
  readonly traceback?: string | null
  readonly event?: readonly [type: string, fields: Record<string, unknown>]
}

/** An outcome that is somebody's doing: what was merely ended is first judged by the worker. */
export type Told = Exclude<Outcome, { readonly state: 'TERMINATED' }>

/** @param label `name[id]` */
export function report(label: string, outcome: Told): Report {
  switch (outcome.state) {
    case 'SUCCESS': {
      const runtime = Math.round(outcome.runtimeMs * 1000) / 1e6 // seconds, to the microsecond
      return {
        level: 'info',
        text: `Task ${label} succeeded in ${runtime}s: ${repr(outcome.value, 46)}`,
        event: ['task-succeeded', { result: repr(outcome.value), runtime }],
      }
    }
    case 'FAILURE': {
      const exception = describeFailure(outcome.error)
      const { traceback } = outcome.error
      const event = ['task-failed', { exception, traceback }] as const
      if (traceback === null) return { level: 'error', text: `Task handler raised error: ${exception}`, event }
      if (outcome.isExpected) return { level: 'info', text: `Task ${label} raised expected: ${exception}`, event }
      return { level: 'error', text: `Task ${label} raised unexpected: ${exception}`, traceback, event }
    }
    case 'RETRY': {
      const exception = describeFailure(outcome.error)
      return {
        level: 'info',
        text: `Task ${label} retry: Retry in ${outcome.inMs / 1000}s: ${exception}`,
        event: ['task-retried', { exception, traceback: outcome.error.traceback }],
      }
    }
    case 'REJECTED':
      return {
        level: 'warning',
        text: `Task ${label} rejected: ${outcome.reason}`,
        event: ['task-rejected', { requeue: outcome.requeue }],
      }
    case 'IGNORED':
      return { level: 'info', text: `Task ${label} ignored` }
  }
}
