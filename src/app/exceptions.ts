/** What a task may throw to say something other than "failed". */

export interface RetryOptions {
  /** Seconds until the next attempt; by default the task's `defaultRetryDelay`. */
  readonly countdown?: number
  readonly eta?: Date
  /** Why: kept as the RETRY state's result, and thrown when there are no attempts left. */
  readonly exc?: unknown
  /** Over the task's own `maxRetries`; null for no limit. */
  readonly maxRetries?: number | null
  /** Other arguments for the next attempt. */
  readonly args?: readonly unknown[]
  readonly kwargs?: Readonly<Record<string, unknown>>
}

/** The task shall run again; thrown by {@link TaskContext.retry}. */
export class Retry extends Error {
  readonly options: RetryOptions

  constructor(options: RetryOptions = {}) {
    super('Task can be retried', { cause: options.exc })
    this.name = 'Retry'
    this.options = options
  }
}

/** No state is stored and nobody is called back. */
export class Ignore extends Error {
  readonly excModule: string = 'celery.exceptions'
  constructor(message = '') {
    super(message)
    this.name = 'Ignore'
  }
}

/** Another task has taken the place of this one. */
export class Replaced extends Ignore {
  constructor() {
    super('Replaced by new task')
    this.name = 'Replaced'
  }
}

/** The message goes back to the broker: to the queue again, or away. */
export class Reject extends Error {
  readonly excModule: string = 'celery.exceptions'
  readonly requeue: boolean

  constructor(reason = '', options: { requeue?: boolean } = {}) {
    super(reason)
    this.name = 'Reject'
    this.requeue = options.requeue ?? false
  }
}

/** The last attempt wanted another one. */
export class MaxRetriesExceededError extends Error {
  readonly excModule = 'celery.exceptions'

  constructor(message: string) {
    super(message)
    this.name = 'MaxRetriesExceededError'
  }
}

/** The task's soft time limit has passed: the reason of its `signal`, and its failure if it lets it out. */
export class SoftTimeLimitExceeded extends Error {
  readonly excModule = 'billiard.exceptions'
  readonly excArgs = []

  constructor() {
    super('the soft time limit has passed')
    this.name = 'SoftTimeLimitExceeded'
  }
}

/** The task ran longer than its hard time limit, so it was ended from outside. */
export class TimeLimitExceeded extends Error {
  readonly excModule = 'billiard.exceptions'
  readonly excArgs: readonly number[]

  /** @param limit seconds */
  constructor(limit: number) {
    super(`the time limit of ${limit}s has passed`)
    this.name = 'TimeLimitExceeded'
    this.excArgs = [limit]
  }
}

/** The child that ran the task died. */
export class WorkerLostError extends Error {
  readonly excModule = 'billiard.exceptions'

  /** @param how `exitcode 1`, `signal 9 (SIGKILL)` */
  constructor(how: string) {
    super(`Worker exited prematurely: ${how}.`)
    this.name = 'WorkerLostError'
  }
}

/** The task shall end: it was revoked, or its worker goes. The reason of its `signal`. */
export class Terminated extends Error {
  readonly excModule = 'billiard.exceptions'

  constructor() {
    super('the task was terminated')
    this.name = 'Terminated'
  }
}

/** Nobody here knows the task; Python callers get Celery's own class. */
export class NotRegistered extends Error {
  readonly excModule = 'celery.exceptions'

  constructor(task: string) {
    super(task)
    this.name = 'NotRegistered'
  }
}

/** Part of a chord has failed, so its body is not called; Python callers get Celery's own class. */
export class ChordError extends Error {
  readonly excModule = 'celery.exceptions'

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ChordError'
  }
}

/** Nobody wants the task any more; Python callers get Celery's own class. */
export class TaskRevokedError extends Error {
  readonly excModule = 'celery.exceptions'

  constructor(message: string) {
    super(message)
    this.name = 'TaskRevokedError'
  }
}
