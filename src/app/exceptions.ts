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
  constructor(message = '') {
    super(message)
    this.name = 'Ignore'
  }
}

/** The message goes back to the broker: to the queue again, or away. */
export class Reject extends Error {
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
