import type { TaskRequest } from '../app/context.ts'
import type { Service } from '../service.ts'
import type { Outcome } from '../trace/outcome.ts'

/** Where tasks run: at most `concurrency` at one time, in the order they were given. */
export interface Pool extends Service {
  /** As `--pool` names it. */
  readonly name: string
  readonly concurrency: number
  /** Runs a task when there is a place for it. Resolves with how it ended; it never rejects. */
  run(request: TaskRequest, options?: RunOptions): Promise<Outcome>
}

export interface RunOptions {
  /** Told when the task leaves the line and begins. */
  onStart?: () => void
  /** Aborts the task, or takes it out of the line. */
  signal?: AbortSignal
}
