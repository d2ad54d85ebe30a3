import { describeException, toExceptionInfo } from '../protocol/exception.ts'
import { repr } from '../protocol/repr.ts'
import type { Failure } from './outcome.ts'

/** What was thrown, unless reading it throws again: then an error that says so. */
export function readable(thrown: unknown): unknown {
  try {
    if (thrown instanceof Error) void [thrown.name, thrown.message, thrown.stack, thrown.cause]
    else repr(thrown)
    return thrown
  } catch {
    return new Error('the task threw something that cannot be read')
  }
}

/** What a task threw, in a form that can be stored and sent. */
export function failure(thrown: unknown, task: string): Failure {
  // Python looks for a class of the user's own in the module where it would have found the task.
  const info = toExceptionInfo(thrown, task.split('.').slice(0, -1).join('.') || 'builtins')
  return { info, traceback: traceback(thrown) }
}

/** `ValueError('no good', 42)`. */
export const describeFailure = ({ info }: Failure): string => describeException(info)

// This library's own directory, wherever it is installed.
const ownCode = new URL('..', import.meta.url).pathname

const isForeignLine = (line: string) => !/^\s+at .*(node:|<anonymous>\)?$)/.test(line) && !line.includes(ownCode)

function traceback(given: unknown, above: readonly unknown[] = []): string {
  const thrown = readable(given)
  if (!(thrown instanceof Error)) return `${repr(thrown)} was thrown`
  const lines = (thrown.stack ?? `${thrown.name}: ${thrown.message}`).split('\n').filter(isForeignLine)
  const isNew = thrown.cause !== undefined && ![...above, thrown].includes(thrown.cause)
  const cause = isNew ? [`Caused by: ${traceback(thrown.cause, [...above, thrown])}`] : []
  return [...lines, ...cause].join('\n')
}
