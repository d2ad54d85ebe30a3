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

/** An error that Python callers get as the class of that name in Celery, or in the pool that it runs tasks in. */
abstract class KnownToPython extends Error {
  readonly excModule: string = 'celery.exceptions'

  constructor(name: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = name
  }
}

/** No state is stored and nobody is called back. */
export class Ignore extends KnownToPython {
  constructor(message = '', name = 'Ignore') {
    super(name, message)
  }
}

/** Another task has taken the place of this one. */
export class Replaced extends Ignore {
  constructor() {
    super('Replaced by new task', 'Replaced')
  }
}

/** The message goes back to the broker: to the queue again, or away. */
export class Reject extends KnownToPython {
  readonly requeue: boolean

  constructor(reason = '', options: { requeue?: boolean } = {}) {
    super('Reject', reason)
    this.requeue = options.requeue ?? false
  }
}

/** The last attempt wanted another one. */
export class MaxRetriesExceededError extends KnownToPython {
  constructor(message: string) {
    super('MaxRetriesExceededError', message)
  }
}

/** Nobody here knows the task. */
export class NotRegistered extends KnownToPython {
  constructor(task: string) {
    super('NotRegistered', task)
  }
}

/** Part of a chord has failed, so its body is not called. */
export class ChordError extends KnownToPython {
  constructor(message: string, options?: ErrorOptions) {
    super('ChordError', message, options)
  }
}

/** Nobody wants the task any more. */
export class TaskRevokedError extends KnownToPython {
  constructor(message: string) {
    super('TaskRevokedError', message)
  }
}

/** The task's soft time limit has passed: the reason of its `signal`, and its failure if it lets it out. */
export class SoftTimeLimitExceeded extends KnownToPython {
  override readonly excModule = 'billiard.exceptions'
  readonly excArgs = []

  constructor() {
    super('SoftTimeLimitExceeded', 'the soft time limit has passed')
  }
}

/** The task ran longer than its hard time limit, so it was ended from outside. */
export class TimeLimitExceeded extends KnownToPython {
  override readonly excModule = 'billiard.exceptions'
  readonly excArgs: readonly number[]

  /** @param limit seconds */
  constructor(limit: number) {
    super('TimeLimitExceeded', `the time limit of ${limit}s has passed`)
    this.excArgs = [limit]
  }
}

/** The child that ran the task died. */
export class WorkerLostError extends KnownToPython {
  override readonly excModule = 'billiard.exceptions'

  /** @param how `exitcode 1`, `signal 9 (SIGKILL)` */
  constructor(how: string) {
    super('WorkerLostError', `Worker exited prematurely: ${how}.`)
  }
}

/** The task shall end: it was revoked, or its worker goes. The reason of its `signal`. */
export class Terminated extends KnownToPython {
  override readonly excModule = 'billiard.exceptions'

  constructor() {
    super('Terminated', 'the task was terminated')
  }
}
