import type { OneOff, RunOptions, Session, StackEvent } from '../../compose/index.ts'
import { defineCommand, flag, repeated, seconds, text, type Values } from '../command.ts'
import type { Context } from '../context.ts'
import { feed } from '../feed.ts'
import { takeSignals } from '../interrupt.ts'
import { stackText } from '../output/stack-text.ts'
import { openProjectStack, stackOptions } from '../project.ts'
import { converse, type OutputEvent, readVariables } from '../session.ts'
import { isTerminal } from './exec.ts'

type RunEvent =
  | StackEvent
  | OutputEvent
  | { readonly type: 'begun'; readonly container: string }
  | { readonly type: 'exit'; readonly code: number }

const options = {
  rm: flag('--rm', 'remove its container when it ends'),
  detach: flag('-d, --detach', 'leave it running and return'),
  noTty: flag('-T, --no-tty', 'no terminal for the program (default: one if this is one)'),
  env: repeated('-e, --env <name=value>', 'set a variable; a name alone takes its value from here; may be repeated'),
  volume: repeated('-v, --volume <source:target>', 'mount something more; may be repeated'),
  publish: repeated('-p, --publish <host:container>', 'publish a port; may be repeated'),
  servicePorts: flag('-P, --service-ports', "publish the service's own ports"),
  useAliases: flag('--use-aliases', "let others find it under the service's name"),
  noDeps: flag('--no-deps', 'do not start what it depends on'),
  entrypoint: text('--entrypoint <program>', 'instead of the entrypoint of the image'),
  user: text('-u, --user <user>', 'run it as this user'),
  workdir: text('-w, --workdir <path>', 'run it in this directory'),
  name: text('--name <name>', 'name of its container'),
  waitTimeout: seconds('--wait-timeout <seconds>', 'how long a dependency may take to become ready (default: 120)'),
  file: stackOptions.file,
  projectName: text('--project-name <name>', 'name of the stack (default: that of the directory)'),
  engine: stackOptions.engine,
}

export const command = defineCommand({
  arguments: [
    ['<service>', 'a service of the compose file'],
    ['[command...]', "what to run instead of the service's command, with all its options"],
  ],
  options,
  examples: [
    'celery-sandbox run --rm worker sh',
    'celery-sandbox run --rm -e DEBUG=1 worker node --version',
    'celery-sandbox run --rm --no-deps -v ./dump:/dump redis redis-cli -h redis',
  ],

  async *run(context, given, [service = '', ...words]): AsyncIterable<RunEvent> {
    const tty = !given.noTty && !given.detach && isTerminal(context)
    const stack = await openProjectStack(context, given)
    try {
      const told = feed<StackEvent>()
      const begun = stack.run(runOptions(given, service, words, tty, context), told.push)
      begun.then(told.end, told.fail)
      for await (const event of told) {
        if (context.mode === 'json') yield event
        else tell(event, context)
      }
      const oneOff = await begun
      if (context.mode === 'json' || !oneOff.session) yield { type: 'begun', container: oneOff.name }
      if (oneOff.session) yield* attached(oneOff, oneOff.session, tty, context)
    } finally {
      await stack.close()
    }
  },

  text: (event) => (event.type === 'begun' ? event.container : undefined),
})

function runOptions(
  given: Values<typeof options>,
  service: string,
  words: readonly string[],
  tty: boolean,
  { env }: Context,
): RunOptions {
  return {
    service,
    command: words.length > 0 ? words : undefined,
    entrypoint: given.entrypoint === undefined ? undefined : [given.entrypoint],
    environment: readVariables(given.env, env),
    user: given.user,
    directory: given.workdir,
    name: given.name,
    volumes: given.volume,
    ports: given.publish,
    servicePorts: given.servicePorts,
    aliases: given.useAliases,
    dependencies: !given.noDeps,
    isRemoved: given.rm,
    isDetached: given.detach,
    timeoutSeconds: given.waitTimeout,
    tty,
  }
}

/** What the program writes is all there is on standard output; what comes before it is told beside it. */
function tell(event: StackEvent, { stderr, paint }: Context): void {
  const isWorthTelling =
    event.type === 'step' || event.type === 'image' || event.type === 'port' || event.type === 'warning'
  const line = isWorthTelling ? stackText(event, paint) : undefined
  if (line !== undefined) stderr.write(`${line}\n`)
}

/** Signals are for the program in the container; who insists a third time makes it end. */
async function* attached(oneOff: OneOff, session: Session, tty: boolean, context: Context): AsyncIterable<RunEvent> {
  let interrupts = 0
  takeSignals((name) => {
    if (name === 'SIGINT') interrupts++
    void oneOff.kill(interrupts > 2 ? 'SIGKILL' : name).catch(() => {})
  })
  yield* converse(session, { tty }, context)
  const code = await session.exitCode()
  process.exitCode = code
  yield { type: 'exit', code }
}
