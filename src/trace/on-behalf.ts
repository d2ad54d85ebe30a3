import type { TaskRequest } from '../app/context.ts'
import type { ResultTuple } from '../protocol/result-meta.ts'
import { states } from '../protocol/states.ts'
import type { TraceEnvironment } from './environment.ts'
import { failure } from './failure.ts'
import { ResultWriter } from './result-writer.ts'
import { Workflow } from './workflow.ts'

/**
 * Ends a task that cannot tell itself how it ended: what a failure leads to is sent, and the failure is stored.
 * Its hooks are not called, as they belong to the place where it ran.
 */
export async function failOnBehalf(request: TaskRequest, error: Error, env: TraceEnvironment) {
  const { untraced, results, workflow } = ending(request, error, env)
  await results.failed(untraced)
  await workflow.failed(untraced)
  await workflow.tellFailure(error, null)
  return { state: 'FAILURE', error: untraced, runtimeMs: 0, isExpected: false } as const
}

/** Ends a task that shall not run, or was ended, because somebody said so: errbacks are not told. */
export async function revokeOnBehalf(request: TaskRequest, error: Error, env: TraceEnvironment): Promise<void> {
  const { untraced, results, workflow } = ending(request, error, env)
  await results.revoked(untraced)
  await workflow.failed(untraced, states.REVOKED)
}

function ending(request: TaskRequest, error: Error, env: TraceEnvironment) {
  const { info } = failure(error, request.task)
  const children: ResultTuple[] = []
  const options = env.app.tasks.get(request.task)?.options ?? {}
  return {
    untraced: { info, traceback: null },
    results: new ResultWriter(request, children, options, env),
    workflow: new Workflow(request, children, env),
  }
}
