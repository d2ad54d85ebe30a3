import type { Celery } from '../app/app.ts'
import type { Backend } from '../backend/backend.ts'
import type { Logger } from '../log.ts'

/** What an execution needs of the place where it runs. */
export interface TraceEnvironment {
  readonly app: Celery
  readonly backend: Backend
  readonly log: Logger
  sendEvent(type: string, fields?: Record<string, unknown>): void
  /** Told what the task threw, as it is, when it has failed. */
  onFailure?(thrown: unknown): void
}
