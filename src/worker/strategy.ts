import { NotRegistered } from '../app/exceptions.ts'
import { CeleryError, messageOf } from '../errors.ts'
import type { Message } from '../protocol/message.ts'
import { decodeTask, type TaskMessage } from '../protocol/task-message.ts'
import { allThatFollows } from '../trace/continuation.ts'
import type { Delivery } from '../transport/transport.ts'

/** What a worker does with a message, decided from the message and what the worker knows. */
export type Decision =
  | { readonly do: 'run'; readonly message: TaskMessage }
  /** Keep it until its time. */
  | { readonly do: 'hold'; readonly message: TaskMessage; readonly untilMs: number }
  | { readonly do: 'discard'; readonly message: TaskMessage; readonly reason: 'revoked' | 'expired' }
  /** Cannot be run here; `message` is missing when it could not be read. */
  | {
      readonly do: 'refuse'
      readonly message: TaskMessage | undefined
      readonly id: string | undefined
      readonly error: Error
    }

export interface Knowledge {
  readonly now: number
  readonly accept: readonly string[]
  isRegistered(task: string): boolean
  isRevoked(message: TaskMessage): boolean
}

export function decide({ message: raw, fault }: Pick<Delivery, 'message' | 'fault'>, knows: Knowledge): Decision {
  const message = fault ?? read(raw, knows.accept)
  if (message instanceof Error) return { do: 'refuse', message: undefined, id: identityOf(raw).id, error: message }
  const { task, id } = message
  if (!knows.isRegistered(task)) return { do: 'refuse', message, id, error: new NotRegistered(task) }
  if (knows.isRevoked(message)) return { do: 'discard', message, reason: 'revoked' }
  if (isExpired(message, knows.now)) return { do: 'discard', message, reason: 'expired' }
  const untilMs = message.eta?.getTime() ?? 0
  return untilMs > knows.now ? { do: 'hold', message, untilMs } : { do: 'run', message }
}

export const isExpired = ({ expires }: TaskMessage, now: number): boolean => expires !== null && now > expires.getTime()

function read(raw: Message, accept: readonly string[]): TaskMessage | Error {
  try {
    const message = decodeTask(raw, accept)
    // What cannot be carried on is not begun.
    allThatFollows(message)
    return message
  } catch (error) {
    if (error instanceof CeleryError) return error
    // Whatever a message provokes, it must not stop the worker.
    return new CeleryError('DECODE_ERROR', `malformed task message: ${messageOf(error)}`, { cause: error })
  }
}

/** What a message says it is, as far as that is text: it may say anything. */
export function identityOf({ headers }: Message): { id: string | undefined; task: string | undefined } {
  const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return { id: textOf(headers.id), task: textOf(headers.task) }
}
