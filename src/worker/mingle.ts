import type { Clock } from '../clock.ts'
import { createControlClient } from '../control/client.ts'
import { Control } from '../control/control.ts'
import type { HelloReply } from '../control/inspect.ts'
import type { Logger } from '../log.ts'
import { isObject } from '../protocol/json.ts'
import type { LamportClock } from '../protocol/lamport.ts'
import type { Transport } from '../transport/transport.ts'
import type { Revoked } from './revoked.ts'

export interface MingleOptions {
  readonly hostname: string
  readonly revoked: Revoked
  readonly lamport: LamportClock
  readonly clock: Clock
  readonly log: Logger
  readonly signal: AbortSignal
}

/** Greets the workers that are there already: takes over what they know to be revoked, and their logical clock. */
export async function mingle(transport: Transport, options: MingleOptions): Promise<void> {
  const { hostname, revoked, lamport, clock, log, signal } = options
  log.info('mingle: searching for neighbors')
  const client = createControlClient(transport, clock, lamport)
  const control = new Control(async () => client)
  // It hears itself, and does not answer.
  const hello = control.inspect({ signal, silent: 1 }).hello(hostname, revoked.forNeighbours())
  const replies = await hello.finally(client.close)
  const others = Object.entries(replies).filter(([node, reply]) => node !== hostname && isObject(reply))
  if (others.length === 0) return log.info('mingle: all alone')
  log.info(`mingle: sync with ${others.length} nodes`)
  for (const [, reply] of others) learn(reply as HelloReply, revoked, lamport)
  log.info('mingle: sync complete')
}

function learn(reply: HelloReply, revoked: Revoked, lamport: LamportClock): void {
  lamport.adjust(reply.clock)
  if (isObject(reply.revoked)) revoked.merge(reply.revoked)
}
