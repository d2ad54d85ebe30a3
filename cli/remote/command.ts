import { type Celery, type CommandDescription, loadApp, messageOf, readWords, remoteCommands } from '../../src/index.ts'
import { type Command, type CommandEvent, defineCommand, flag } from '../command.ts'
import { CliError } from '../errors.ts'
import { sanitize } from '../output/sanitize.ts'
import { adoptStackEnvironment } from '../project.ts'
import { ask, remoteOptions } from './ask.ts'
import { onlineText, type ReplyEvent, replyText } from './reply-text.ts'

type Event =
  | ReplyEvent
  | { readonly type: 'online'; readonly nodes: number }
  | { readonly type: 'command'; readonly name: string; readonly signature: string; readonly help: string }

interface Kind {
  readonly kind: CommandDescription['kind']
  readonly examples: readonly string[]
}

const options = { ...remoteOptions, list: flag('--list', 'list the commands there are') }

/** The verbs `inspect` and `control`: one remote-control command of that kind, sent to workers. */
export function remoteCommand({ kind, examples }: Kind): Command<Event & CommandEvent, typeof options> {
  return defineCommand({
    arguments: [
      ['[command]', 'one of those that --list shows'],
      ['[words...]', 'its arguments'],
    ],
    options,
    examples,

    async *run(context, options, [name, ...words]): AsyncIterable<Event> {
      if (!options.list && name !== undefined) await adoptStackEnvironment(context, options)
      const { app } = await loadApp(options.app, context.cwd)
      try {
        const known = commandsOf(app, kind)
        if (options.list) return yield* list(known)
        const command = chosen(known, kind, name)
        const args = argumentsOf(command, words)
        const nodes = yield* ask(app, context, options, [command.name, args])
        if (kind === 'inspect') yield { type: 'online', nodes }
      } finally {
        await app.close()
      }
    },

    text(event, paint) {
      if (event.type === 'reply') return replyText(event, paint)
      if (event.type === 'online') return onlineText(event.nodes)
      const call = event.signature ? `${event.name} ${event.signature}` : event.name
      return sanitize(`${paint.name(call)}\n    ${event.help}`)
    },
  })
}

interface Named extends CommandDescription {
  readonly name: string
}

const commandsOf = (app: Celery, kind: Kind['kind']): Named[] =>
  Object.entries(remoteCommands(app))
    .map(([name, command]) => ({ name, ...command }))
    .filter((command) => command.kind === kind && !command.isHidden)
    .sort((a, b) => (a.name < b.name ? -1 : 1))

function* list(known: readonly Named[]): Iterable<Event> {
  for (const { name, signature = '', help } of known) yield { type: 'command', name, signature, help }
}

function chosen(known: readonly Named[], kind: string, name: string | undefined): Named {
  const found = known.find((command) => command.name === name)
  if (found) return found
  const available = `Available ${kind} commands: ${known.map((command) => command.name).join(', ')}`
  if (name === undefined) throw new CliError('USAGE', `Which command? ${available}`)
  throw new CliError('USAGE', `Command ${name} not recognized. ${available}`)
}

function argumentsOf(command: Named, words: readonly string[]): Record<string, unknown> {
  try {
    return readWords(command, words)
  } catch (cause) {
    throw new CliError('USAGE', `${command.name}: ${messageOf(cause)}`, { cause })
  }
}
