import type { Celery } from '../app/app.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Pool } from '../pool/pool.ts'
import type { TaskMessage } from '../protocol/task-message.ts'

/** Seconds that a task may take until it is asked to end, and until it is ended. */
export interface Limits {
  readonly soft: number | undefined
  readonly hard: number | undefined
}

/** How long the tasks of a worker may take. */
export class TimeLimits {
  /** Those of tasks that have none of their own. */
  readonly defaults: Limits
  readonly #app: Celery
  readonly #pool: Pool
  readonly #log: Logger
  /** By task name: what remote control has set. */
  readonly #changed = new Map<string, Limits>()
  readonly #warned = new Set<string>()

  constructor(app: Celery, pool: Pool, log: Logger, given: Limits) {
    const { taskSoftTimeLimit, taskTimeLimit } = app.conf
    const { soft = taskSoftTimeLimit, hard = taskTimeLimit } = given
    this.defaults = { soft: soft || undefined, hard: hard || undefined }
    this.#app = app
    this.#pool = pool
    this.#log = log
  }

  /** Says which of the declared limits this worker's pool will not keep. */
  checkDeclared(): void {
    for (const name of this.#app.tasks.names()) this.#kept(name, this.#declared(name).hard)
  }

  /** The call's own limits, over the task's, over the worker's; as Celery has it, 0 is none of one's own. */
  of({ task, timeLimit, softTimeLimit }: TaskMessage): Limits {
    const { soft, hard } = this.#declared(task)
    return { soft: softTimeLimit || soft, hard: this.#kept(task, timeLimit || hard) }
  }

  change(task: string, limits: Limits): void {
    this.#changed.set(task, limits)
  }

  #declared(task: string): Limits {
    const { softTimeLimit, timeLimit } = this.#app.tasks.get(task)?.options ?? {}
    const { soft, hard } = this.#changed.get(task) ?? { soft: softTimeLimit, hard: timeLimit }
    return { soft: soft || this.defaults.soft, hard: hard || this.defaults.hard }
  }

  #kept(task: string, hard: number | undefined): number | undefined {
    if (hard === undefined || this.#pool.canTerminate) return hard
    if (!this.#warned.has(task)) {
      const advice = 'run this worker with -P prefork or -P threads, or give the task a soft limit'
      this.#log.warning(`The pool '${this.#pool.name}' cannot keep the time limit (${hard}s) of ${task}: ${advice}`)
    }
    this.#warned.add(task)
    return undefined
  }
}

/** Calls back when a limit has passed, until it is cancelled. */
export function watchLimits(
  { soft, hard }: Limits,
  clock: Clock,
  onPassed: { soft: (seconds: number) => void; hard: (seconds: number) => void },
): Timer {
  const timers: Timer[] = []
  if (soft !== undefined) timers.push(clock.timer(() => onPassed.soft(soft), soft * 1000))
  if (hard !== undefined) timers.push(clock.timer(() => onPassed.hard(hard), hard * 1000))
  return {
    cancel() {
      for (const timer of timers) timer.cancel()
    },
  }
}
