import { type Celery, nodename } from '../../src/index.ts'
import { appOption, names, seconds, type Values } from '../command.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { feed } from '../feed.ts'
import { stackOptions } from '../project.ts'
import type { ReplyEvent } from './reply-text.ts'

/** Options of every command that asks workers. */
export const remoteOptions = {
  app: appOption,
  destination: names('-d, --destination <nodes>', 'only these workers; %h is this host (default: all)'),
  timeout: seconds('-t, --timeout <seconds>', 'how long to wait for answers (default: 1)'),
  ...stackOptions,
}

export type AskOptions = Pick<Values<typeof remoteOptions>, 'destination' | 'timeout'>

/**
 * Sends a command to workers and tells what each replies, as it comes.
 *
 * @returns how many replied
 * @throws {CliError} NO_REPLY when nobody does
 */
export async function* ask(
  app: Celery,
  { signal }: Context,
  { destination, timeout = 1 }: AskOptions,
  [command, args]: readonly [name: string, args: Record<string, unknown>],
): AsyncGenerator<ReplyEvent, number> {
  const replies = feed<ReplyEvent>()
  const asking = app.control.broadcast<unknown>(command, args, {
    reply: true,
    timeout,
    signal,
    ...(destination && { destination: destination.map(nodename) }),
    onReply: (node, reply) => replies.push({ type: 'reply', command, node, reply }),
  })
  asking.then(replies.end, replies.fail)
  yield* replies
  signal.throwIfAborted()
  const nodes = Object.keys(await asking).length
  if (nodes === 0) throw new CliError('NO_REPLY', 'No nodes replied within time constraint')
  return nodes
}
