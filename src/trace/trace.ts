import { runInTask, type TaskRequest } from '../app/context.ts'
import { Ignore, Reject, Replaced, Retry, Terminated } from '../app/exceptions.ts'
import type { Task } from '../app/task.ts'
import type { ResultTuple } from '../protocol/result-meta.ts'
import { Audience } from './audience.ts'
import { openContext } from './context.ts'
import type { TraceEnvironment } from './environment.ts'
import { failure, readable } from './failure.ts'
import { type Outcome, terminated } from './outcome.ts'
import { ResultWriter } from './result-writer.ts'
import { autoretry, nextAttempt } from './retry.ts'
import { Workflow } from './workflow.ts'

/**
 * Runs one task, from STARTED to its result: the story that every pool tells. What the task leads to is sent before
 * its result is stored, so that whoever sees the result can see its children. Never throws.
 */
export async function trace(request: TaskRequest, signal: AbortSignal, env: TraceEnvironment): Promise<Outcome> {
  const { app } = env
  const task = app.tasks.get(request.task)
  if (!task) return { state: 'REJECTED', requeue: false, reason: `unregistered task ${request.task}` }
  const { options } = task
  const children: ResultTuple[] = []
  const results = new ResultWriter(request, children, options, env)
  const workflow = new Workflow(request, children, env)
  const { self, replacement } = openContext(request, signal, task, results, env)
  const inTask = async <T>(run: () => T) => runInTask(request, children, run)
  const audience = new Audience(self, task, children, env)
  const startedAt = performance.now()
  const runtime = () => performance.now() - startedAt

  const succeed = async (value: unknown): Promise<Outcome> => {
    await workflow.goOn(value)
    await results.succeeded(value)
    await workflow.succeeded(value)
    await audience.succeeded(value)
    return { state: 'SUCCESS', value, runtimeMs: runtime() }
  }

  const fail = async (thrown: unknown): Promise<Outcome> => {
    const error = failure(thrown, request.task)
    await results.failed(error)
    await workflow.failed(error)
    await workflow.tellFailure(thrown, error.traceback)
    await audience.failed(thrown, error.traceback)
    env.onFailure?.(thrown)
    return { state: 'FAILURE', error, runtimeMs: runtime(), isExpected: isExpected(thrown, task) }
  }

  const tryAgain = async (retry: Retry): Promise<Outcome> => {
    const next = nextAttempt(request, retry, options, app.clock.now())
    if ('exceeded' in next) return fail(next.exceeded)
    if (request.isEager) return trace({ ...request, ...next.message }, signal, env)
    try {
      await app.resend(next.message, request.deliveryInfo)
    } catch (cause) {
      return fail(new Error('the next attempt could not be sent', { cause }))
    }
    const reason = retry.cause ?? retry
    const error = failure(reason, request.task)
    await results.retried(error)
    await audience.retried(reason, error.traceback)
    return { state: 'RETRY', error, inMs: next.inMs }
  }

  let value: unknown
  try {
    await audience.begins()
    await results.started()
    await inTask(() => options.beforeStart?.(self))
    // Also a task that does not wait until another has its place is replaced.
    const returned = await inTask(() => task.run(self, request.args, request.kwargs)).finally(replacement)
    const replaced = replacement()
    value = replaced ? await replaced : returned
  } catch (caught) {
    const thrown = gaveWay(caught, signal) ? signal.reason : readable(caught)
    if (thrown instanceof Terminated) return terminated('it gave way to its signal')
    const answer = answerOf(thrown)
    if (answer) {
      if (isTheEnd(thrown)) await workflow.failed(failure(thrown, request.task))
      await audience.ended(answer.state, thrown)
      return answer
    }
    const retry = thrown instanceof Retry ? thrown : autoretry(thrown, request.retries, options)
    return retry ? tryAgain(retry).catch(fail) : fail(thrown)
  }
  return succeed(value).catch(fail)
}

// What waits on the signal throws its reason, or, as much of Node does, an AbortError of its own.
function gaveWay(thrown: unknown, signal: AbortSignal): boolean {
  return signal.aborted && (thrown === signal.reason || (thrown instanceof Error && thrown.name === 'AbortError'))
}

/** What a task says by throwing, other than that it failed. */
function answerOf(thrown: unknown): Outcome | undefined {
  if (thrown instanceof Ignore) return { state: 'IGNORED' }
  if (thrown instanceof Reject) return { state: 'REJECTED', requeue: thrown.requeue, reason: thrown.message }
  return undefined
}

// Another task has its place, or it comes again.
const isTheEnd = (thrown: unknown) => !(thrown instanceof Replaced || (thrown instanceof Reject && thrown.requeue))

function isExpected(thrown: unknown, { options }: Task): boolean {
  return (options.throws ?? []).some((expected) => thrown instanceof expected)
}
