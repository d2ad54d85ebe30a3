import type { Celery } from '../app/app.ts'
import { openDisabled } from '../backend/disabled.ts'
import { nodename } from '../nodename.ts'
import { resultMeta } from '../protocol/result-meta.ts'
import type { TaskMessage } from '../protocol/task-message.ts'
import { EagerResult } from '../result/eager-result.ts'
import { trace } from './trace.ts'

/** Runs a call here and now, through the steps of a worker, and without a broker. */
export async function runEagerly<R>(app: Celery, message: TaskMessage): Promise<EagerResult<R>> {
  const deliveryInfo = { exchange: '', routingKey: '', priority: message.priority, redelivered: false }
  const request = { ...message, isEager: true, hostname: nodename(`eager${process.pid}`), deliveryInfo }
  const backend = app.conf.taskStoreEagerResult ? await app.backend() : await openDisabled('disabled://')
  let thrown: unknown
  const environment = {
    app,
    backend,
    log: app.log,
    sendEvent: () => {},
    onFailure: (error: unknown) => {
      thrown = error
    },
  }
  const outcome = await trace(request, new AbortController().signal, environment)
  const value = outcome.state === 'SUCCESS' ? outcome.value : undefined
  const failed = outcome.state === 'FAILURE' && { result: outcome.error.info, traceback: outcome.error.traceback }
  const meta = resultMeta({ task_id: message.id, status: outcome.state, result: value, ...failed }, app.clock.now())
  return new EagerResult<R>(meta, failed ? thrown : value, app.results)
}
