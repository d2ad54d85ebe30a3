import type { TaskRequest } from '../app/context.ts'
import { NotRegistered } from '../app/exceptions.ts'
import { messageOf } from '../errors.ts'
import { type ExceptionInfo, toExceptionInfo } from '../protocol/exception.ts'
import type { Message } from '../protocol/message.ts'
import { states } from '../protocol/states.ts'
import type { TaskMessage } from '../protocol/task-message.ts'
import type { TraceEnvironment } from '../trace/environment.ts'
import { describeFailure } from '../trace/failure.ts'
import { failOnBehalf } from '../trace/on-behalf.ts'
import { storeMeta } from '../trace/result-writer.ts'
import type { Delivery } from '../transport/transport.ts'
import { environmentOf, type RequestContext } from './request.ts'
import { type Decision, identityOf } from './strategy.ts'

/** Puts a message aside that cannot be run; its caller, if there is one, learns of it. */
export async function refuse(
  delivery: Delivery,
  { message: call, id, error }: Extract<Decision, { do: 'refuse' }>,
  context: RequestContext,
): Promise<void> {
  const { app, events, sendsTaskEvents, log } = context
  const { message } = delivery
  const info = toExceptionInfo(error, 'celery.exceptions')
  log.error(describeRefusal(error), { headers: message.headers })
  if (call) await failOnBehalf(requestOf(call, delivery, context), error, environmentOf(context))
  else if (id) await storeFailure(id, info, message.properties, environmentOf(context))
  const exception = describeFailure({ info, traceback: '' })
  if (id && sendsTaskEvents()) events.send('task-failed', { uuid: id, exception })
  const name = identityOf(message).task ?? ''
  if (error instanceof NotRegistered && id) {
    await app.signals.taskUnknown.send(name, { message, exc: error, name, id }, log)
  } else {
    await app.signals.taskRejected.send(name, { message, exc: error }, log)
  }
  await delivery.deadLetter(`${error.name}: ${messageOf(error)}`)
}

// All that is known of the message is its id, and perhaps who sent it.
async function storeFailure(
  id: string,
  result: ExceptionInfo,
  { replyTo, correlationId = id }: Message['properties'],
  env: TraceEnvironment,
): Promise<void> {
  await storeMeta({ task_id: id, status: states.FAILURE, result }, { replyTo: replyTo ?? null, correlationId }, env)
}

function requestOf(call: TaskMessage, { info }: Delivery, { hostname }: RequestContext): TaskRequest {
  return { ...call, hostname, deliveryInfo: info }
}

function describeRefusal(error: Error): string {
  if (!(error instanceof NotRegistered)) return `Received and discarded message: ${error.name}: ${messageOf(error)}`
  return (
    `Received unregistered task of type '${error.message}'. The message was discarded, its caller gets NotRegistered.\n` +
    'Did you remember to import the module containing this task? (setting `include`)'
  )
}
