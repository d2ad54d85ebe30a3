import { randomUUID } from 'node:crypto'
import { CeleryError } from '../errors.ts'
import { fnmatch } from '../fnmatch.ts'
import { beginsAs } from '../pattern.ts'
import { type ControlRequest, controlQueue, decodeControl, encodeReply, exchangeOfReply } from '../protocol/control.ts'
import type { Queue } from '../protocol/entity.ts'
import { describeException, toExceptionInfo } from '../protocol/exception.ts'
import type { LamportClock } from '../protocol/lamport.ts'
import type { Consumer, Transport } from '../transport/transport.ts'

/** Carries out a command; what it returns is the node's reply. Throwing replies `{error}`. */
export type ControlHandler = (method: string, args: Readonly<Record<string, unknown>>) => unknown

/** Nobody here knows the command. */
export class UnknownCommand extends Error {
  // As Python's Celery answers.
  readonly excType = 'KeyError'
}

export interface MailboxOptions {
  nodename: string
  clock: LamportClock
  carryOut: ControlHandler
  /** A command that failed, or that nobody here knows. */
  onError: (method: string, error: Error) => void
  /** Another node has the same name. */
  onNamesake: () => void
}

/** Listens to commands for one worker and answers those that want an answer. */
export async function openMailbox(transport: Transport, options: MailboxOptions): Promise<Consumer> {
  const { nodename, clock, onError, onNamesake } = options
  const listen = (queue: Queue) =>
    transport.consume([queue], ({ message }) => {
      const request = decodeControl(message)
      if (!request || !isForNode(request, nodename)) return
      if (typeof message.headers.clock === 'number') clock.adjust(message.headers.clock)
      answer(transport, request, options).catch((error) => onError(request.method, error))
    })
  try {
    return await listen(controlQueue(nodename))
  } catch (error) {
    if (!(error instanceof CeleryError && error.code === 'RESOURCE_LOCKED')) throw error
    onNamesake()
    // Commands go to every queue, whatever its name.
    return listen(controlQueue(`${nodename}.${randomUUID()}`))
  }
}

async function answer(transport: Transport, request: ControlRequest, options: MailboxOptions): Promise<void> {
  const result = await resultOf(request, options)
  const { reply_to: replyTo, ticket } = request
  // Python's `hello` of a node to itself is answered by silence, which is `undefined` here.
  if (!replyTo || !ticket || result === undefined) return
  const reply = encodeReply({ [options.nodename]: result }, { ticket, clock: options.clock.forward() })
  await transport.publish(reply, exchangeOfReply(replyTo.exchange), replyTo.routing_key)
}

async function resultOf({ method, arguments: args }: ControlRequest, options: MailboxOptions): Promise<unknown> {
  try {
    return await options.carryOut(method, args)
  } catch (error) {
    options.onError(method, error instanceof Error ? error : new Error(String(error)))
    return { error: describeException(toExceptionInfo(error)) }
  }
}

function isForNode({ destination, pattern, matcher }: ControlRequest, nodename: string): boolean {
  if (destination?.length) return destination.includes(nodename)
  if (!pattern || !matcher) return true
  return matcher === 'pcre' ? beginsAs(pattern, nodename) : fnmatch(pattern)(nodename)
}
