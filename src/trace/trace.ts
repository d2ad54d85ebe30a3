import type { Celery } from '../app/app.ts'
import { runInTask, type TaskContext, type TaskRequest } from '../app/context.ts'
import { Ignore, Reject, Retry, Terminated } from '../app/exceptions.ts'
import type { Task } from '../app/task.ts'
import type { Signature } from '../canvas/signature.ts'
import { messageOf } from '../errors.ts'
import { withFields } from '../log.ts'
import { taskLoggerName } from '../log-format.ts'
import type { ResultTuple } from '../protocol/result-meta.ts'
import { Audience } from './audience.ts'
import { onFailure, onSuccess, replacing } from './callbacks.ts'
import type { TraceEnvironment } from './environment.ts'
import { failure, readable } from './failure.ts'
import { type Outcome, terminated } from './outcome.ts'
import { ResultWriter } from './result-writer.ts'
import { autoretry, nextAttempt } from './retry.ts'

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
  const results = new ResultWriter(request, children, task, env)
  const self = createContext(request, signal, task, results, env)
  const inTask = async <T>(run: () => T) => runInTask(request, children, run)
  const audience = new Audience(self, task, children, env)
  const startedAt = performance.now()
  const runtime = () => performance.now() - startedAt

  const succeed = async (value: unknown): Promise<Outcome> => {
    await send(app, onSuccess(request, value), request, children)
    await results.succeeded(value)
    await audience.succeeded(value)
    return { state: 'SUCCESS', value, runtimeMs: runtime() }
  }

  const fail = async (thrown: unknown): Promise<Outcome> => {
    const error = failure(thrown, request.task)
    await audience.tell('an error callback', () => send(app, onFailure(request), request, children))
    await results.failed(error)
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
    value = await inTask(() => task.run(self, request.args, request.kwargs))
  } catch (caught) {
    const thrown = gaveWay(caught, signal) ? signal.reason : readable(caught)
    if (thrown instanceof Terminated) return terminated('it gave way to its signal')
    const answer = answerOf(thrown)
    if (answer) {
      await audience.ended(answer.state, thrown)
      return answer
    }
    const retry = thrown instanceof Retry ? thrown : autoretry(thrown, request.retries, options)
    return retry ? tryAgain(retry).catch(fail) : fail(thrown)
  }
  return succeed(value).catch(fail)
}

/**
 * Ends a task that cannot tell itself how it ended: what a failure leads to is sent, and the failure is stored.
 * Its hooks are not called, as they belong to the place where it ran.
 */
export async function failOnBehalf(request: TaskRequest, error: Error, env: TraceEnvironment) {
  const task = env.app.tasks.get(request.task)
  const { info } = failure(error, request.task)
  const untraced = { info, traceback: null }
  const children: ResultTuple[] = []
  await send(env.app, onFailure(request), request, children).catch((cause) =>
    env.log.error(`an error callback of ${request.task}[${request.id}] failed: ${messageOf(cause)}`),
  )
  if (task) await new ResultWriter(request, children, task, env).failed(untraced)
  return { state: 'FAILURE', error: untraced, runtimeMs: 0, isExpected: false } as const
}

// What waits on the signal throws its reason, or, as much of Node does, an AbortError of its own.
function gaveWay(thrown: unknown, signal: AbortSignal): boolean {
  return signal.aborted && (thrown === signal.reason || (thrown instanceof Error && thrown.name === 'AbortError'))
}

async function send(app: Celery, following: Signature[], request: TaskRequest, children: ResultTuple[]): Promise<void> {
  for (const signature of following) await runInTask(request, children, () => app.send(signature))
}

/** What a task says by throwing, other than that it failed. */
function answerOf(thrown: unknown): Outcome | undefined {
  if (thrown instanceof Ignore) return { state: 'IGNORED' }
  if (thrown instanceof Reject) return { state: 'REJECTED', requeue: thrown.requeue, reason: thrown.message }
  return undefined
}

function isExpected(thrown: unknown, { options }: Task): boolean {
  return (options.throws ?? []).some((expected) => thrown instanceof expected)
}

function createContext(
  request: TaskRequest,
  signal: AbortSignal,
  { options }: Task,
  results: ResultWriter,
  { app, log, sendEvent }: TraceEnvironment,
): TaskContext {
  const self: TaskContext = {
    request,
    signal,
    log: withFields(log, { logger: taskLoggerName, taskId: request.id, taskName: request.task }),
    sendEvent: (type, fields) => sendEvent(type, { uuid: request.id, ...fields }),
    updateState: (state, meta) => results.write(state, { result: meta }),
    retry(options = {}) {
      throw new Retry(options)
    },
    async replace(signature) {
      await options.onReplace?.(self, signature)
      const replacement = replacing(request, signature)
      if (request.isEager) return (await app.apply(replacement)).get() as Promise<never>
      await app.send(replacement)
      throw new Ignore('Replaced by new task')
    },
  }
  return self
}
