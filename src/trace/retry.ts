import { MaxRetriesExceededError, type Retry } from '../app/exceptions.ts'
import type { TaskOptions } from '../app/task.ts'
import { repr, reprArgs } from '../protocol/repr.ts'
import type { TaskMessage } from '../protocol/task-message.ts'

export type NextAttempt =
  | { readonly message: TaskMessage; readonly inMs: number }
  /** There is none: this is how the task ends. */
  | { readonly exceeded: unknown }

/** The message of the next attempt: the same task under the same id, one retry later. */
export function nextAttempt(current: TaskMessage, { options }: Retry, task: TaskOptions, now: number): NextAttempt {
  const maxRetries = options.maxRetries === undefined ? (task.maxRetries ?? 3) : options.maxRetries
  const isUnlimited = maxRetries === null || (options.maxRetries === undefined && task.maxRetries === null)
  if (!isUnlimited && current.retries >= maxRetries) {
    return { exceeded: options.exc ?? new MaxRetriesExceededError(describe(current)) }
  }
  const { args = current.args, kwargs = current.kwargs } = options
  const eta = options.eta ?? new Date(now + (options.countdown ?? task.defaultRetryDelay ?? 180) * 1000)
  return {
    inMs: Math.max(0, eta.getTime() - now),
    message: {
      ...current,
      args,
      kwargs,
      argsrepr: reprArgs(args),
      kwargsrepr: repr(kwargs),
      eta,
      retries: current.retries + 1,
      parentId: current.parentId ?? current.id, // as Celery has it: a retry is a child of the task itself
    },
  }
}

function describe({ task, id, argsrepr, kwargsrepr }: TaskMessage): string {
  return `Can't retry ${task}[${id}] args:${argsrepr} kwargs:${kwargsrepr}`
}
