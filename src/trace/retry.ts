import { Ignore, MaxRetriesExceededError, Reject, Retry } from '../app/exceptions.ts'
import type { ErrorClass, TaskOptions } from '../app/task.ts'
import { repr, reprArgs } from '../protocol/repr.ts'
import type { TaskMessage } from '../protocol/task-message.ts'

export type NextAttempt =
  | { readonly message: TaskMessage; readonly inMs: number }
  /** There is none: this is how the task ends. */
  | { readonly exceeded: unknown }

/** The message of the next attempt: the same task under the same id, one retry later. */
export function nextAttempt(current: TaskMessage, { options }: Retry, task: TaskOptions, now: number): NextAttempt {
  const { maxRetries = task.maxRetries === undefined ? 3 : task.maxRetries } = options
  if (maxRetries !== null && current.retries >= maxRetries) {
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

/** What a task that threw does if it has `autoretryFor`: undefined when that says nothing of such an error. */
export function autoretry(
  thrown: unknown,
  retries: number,
  task: TaskOptions,
  random = Math.random,
): Retry | undefined {
  if (thrown instanceof Retry || thrown instanceof Ignore || thrown instanceof Reject) return undefined
  const isOneOf = (classes: readonly ErrorClass[] = []) => classes.some((errorClass) => thrown instanceof errorClass)
  if (!isOneOf(task.autoretryFor) || isOneOf(task.dontAutoretryFor)) return undefined
  const countdown = task.retryBackoff ? { countdown: backoff(retries, task, random) } : {}
  return new Retry({ exc: thrown, ...countdown, ...task.retryKwargs })
}

/** Seconds: 1, 2, 4 … of the first delay; with jitter, a whole number anywhere below. */
function backoff(retries: number, task: TaskOptions, random: () => number): number {
  const { retryBackoff, retryBackoffMax = 600, retryJitter = true } = task
  const first = Math.max(1, Math.trunc(Number(retryBackoff)))
  const longest = Math.min(retryBackoffMax, first * 2 ** retries)
  return retryJitter ? Math.floor(random() * (longest + 1)) : longest
}

function describe({ task, id, argsrepr, kwargsrepr }: TaskMessage): string {
  return `Can't retry ${task}[${id}] args:${argsrepr} kwargs:${kwargsrepr}`
}
