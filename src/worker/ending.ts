import type { Settings } from '../app/config.ts'
import { TimeLimitExceeded, WorkerLostError } from '../app/exceptions.ts'
import type { TaskOptions } from '../app/task.ts'
import type { Message } from '../protocol/message.ts'
import type { Outcome } from '../trace/outcome.ts'

/** When a message is acknowledged. */
export interface AckRules {
  /** After its task ran, not before. */
  readonly acksLate: boolean
  /** Also when the task failed. */
  readonly acksOnFailureOrTimeout: boolean
  /** Not when the task's child died. */
  readonly rejectOnWorkerLost: boolean
  /** Deliveries after which a task whose child died is not tried again. */
  readonly deliveryLimit: number
}

export function ackRules(options: TaskOptions, conf: Settings): AckRules {
  return {
    acksLate: options.acksLate ?? conf.taskAcksLate,
    acksOnFailureOrTimeout: options.acksOnFailureOrTimeout ?? conf.taskAcksOnFailureOrTimeout,
    rejectOnWorkerLost: options.rejectOnWorkerLost ?? conf.taskRejectOnWorkerLost,
    deliveryLimit: conf.taskDeliveryLimit,
  }
}

/** What the broker is told once a task has told its end; a message that was acknowledged early stays so. */
export function settlement(outcome: Outcome, rules: AckRules): 'ack' | 'reject' | 'requeue' {
  if (outcome.state === 'REJECTED') return outcome.requeue ? 'requeue' : 'reject'
  return outcome.state === 'FAILURE' && !rules.acksOnFailureOrTimeout ? 'reject' : 'ack'
}

/** Why the worker itself ended a task. */
export type Intervention =
  | { readonly because: 'time-limit'; readonly seconds: number }
  | { readonly because: 'revoked'; readonly signum: number }
  | { readonly because: 'shutdown' }

/** What becomes of a task that was ended from outside. */
export type Ending =
  | { readonly do: 'fail'; readonly error: Error }
  | { readonly do: 'revoke'; readonly signum: number }
  /** Another worker shall have it, as if it had never been begun here. */
  | { readonly do: 'giveBack' }
  /** It is tried again, and its deliveries are counted, so that what kills every child does not do so for ever. */
  | { readonly do: 'redeliver'; readonly deliveries: number }
  /** It did so too often: it has failed, and its message is put aside. */
  | { readonly do: 'bury'; readonly error: Error }

/** @param how what the pool knows of it: `signal 9 (SIGKILL)` */
export function endingOf(
  how: string,
  intervention: Intervention | undefined,
  rules: AckRules,
  message: Message,
): Ending {
  if (intervention?.because === 'revoked') return { do: 'revoke', signum: intervention.signum }
  if (intervention?.because === 'time-limit') return { do: 'fail', error: new TimeLimitExceeded(intervention.seconds) }
  if (intervention?.because === 'shutdown' && rules.acksLate) return { do: 'giveBack' }
  if (intervention?.because === 'shutdown') return { do: 'fail', error: new WorkerLostError('cold shutdown') }
  const error = new WorkerLostError(how)
  if (!rules.acksLate || !rules.rejectOnWorkerLost) return { do: 'fail', error }
  const deliveries = deliveriesOf(message) + 1
  return deliveries < rules.deliveryLimit ? { do: 'redeliver', deliveries } : { do: 'bury', error }
}

// RabbitMQ's quorum queues count deliveries under this name; elsewhere nobody does, so the worker does it itself.
const deliveriesHeader = 'x-delivery-count'

const deliveriesOf = ({ headers }: Message) => Number(headers[deliveriesHeader] ?? 0) || 0

/** The message to be delivered again; `redelivered` is what kombu says on Redis. */
export function redelivery(message: Message, deliveries: number): Message {
  return { ...message, headers: { ...message.headers, [deliveriesHeader]: deliveries, redelivered: true } }
}
