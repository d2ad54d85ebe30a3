import { count, defineCommand, flag, repeated, text } from '../command.ts'
import type { Context } from '../context.ts'
import { openProjectStack, stackOptions } from '../project.ts'
import { converse, type OutputEvent, readVariables } from '../session.ts'

type ExecEvent = OutputEvent | { readonly type: 'exit'; readonly code: number }

export const command = defineCommand({
  arguments: [
    ['<service>', 'a service that runs'],
    ['<command...>', 'what to run in it, with all its options'],
  ],
  options: {
    noTty: flag('-T, --no-tty', 'no terminal for the program (default: one if this is one)'),
    detach: flag('-d, --detach', 'leave it running and return'),
    env: repeated('-e, --env <name=value>', 'set a variable; a name alone takes its value from here; may be repeated'),
    user: text('-u, --user <user>', 'run it as this user'),
    workdir: text('-w, --workdir <path>', 'run it in this directory'),
    privileged: flag('--privileged', 'with all privileges'),
    index: count('--index <n>', 'in which of its containers (default: the first that runs)'),
    ...stackOptions,
  },
  examples: [
    'celery-sandbox exec worker sh',
    'celery-sandbox exec rabbitmq rabbitmqctl list_queues',
    'echo PING | celery-sandbox exec -T redis redis-cli',
  ],

  async *run(context, options, [service = '', ...words]): AsyncIterable<ExecEvent> {
    const { noTty, detach, env, user, workdir, privileged, index } = options
    const tty = !noTty && !detach && isTerminal(context)
    const environment = readVariables(env, context.env)
    const program = { service, command: words, tty, environment, user, directory: workdir, index }
    const stack = await openProjectStack(context, options)
    try {
      if (detach) return await stack.execDetached({ ...program, isPrivileged: privileged })
      const session = await stack.exec({ ...program, isPrivileged: privileged })
      yield* converse(session, { tty }, context)
      // What was interrupted runs on in the container, and has no exit code yet.
      if (context.signal.aborted) throw context.signal.reason
      const code = await session.exitCode()
      process.exitCode = code
      yield { type: 'exit', code }
    } finally {
      await stack.close()
    }
  },

  text: () => undefined,
})

/** Whether a program can be given this process's own terminal. */
export function isTerminal({ stdin, stdout, mode }: Context): boolean {
  return Boolean(stdin.isTTY && stdout.isTTY) && mode !== 'json'
}
