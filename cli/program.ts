import { Command as Commander, CommanderError, Option as CommanderOption, InvalidArgumentError } from 'commander'
import type { Command, Option, OptionTable } from './command.ts'
import { type CommandEntry, commandTable } from './commands/table.ts'
import { CliError } from './errors.ts'

/** What the command line asks for. */
export interface Invocation {
  readonly command: Command
  readonly options: Readonly<Record<string, unknown>>
  readonly args: readonly string[]
  /** Options among the words may be those of another program. */
  readonly takesCommand: boolean
}

/** Every command takes these. */
const everywhere: OptionTable = {
  json: { flags: '--json', meaning: 'speak JSON on stdout: one object a line', default: false },
  plain: { flags: '--plain', meaning: 'no colours, no screens: one line a change', default: false },
}

/**
 * Reads the command line; only the command that is called is loaded. The home of commander.
 *
 * @returns undefined when only help was asked for, which is printed
 * @throws {CliError} USAGE
 */
export async function parse(given: readonly string[]): Promise<Invocation | undefined> {
  const argv = asksForHelp(given) ? [...calledIn(given), '--help'] : given
  const program = new Commander('celery-sandbox')
    .description('Celery in your terminal: scaffold, run, watch and break a task queue.')
    .usage('<command> [options]')
    .helpCommand(false)
    .version('', '-V, --version', 'print the version')
    .addHelpText('after', `\nBegin with:\n  $ npx celery-sandbox demo\n  $ npx celery-sandbox init shop`)
  let invocation: Invocation | undefined
  const called = argv.find((word) => !word.startsWith('-'))
  for (const entry of commandTable) {
    const sub = program.command(entry.name, { hidden: entry.isHidden === true }).description(entry.summary)
    if (entry.name === called) await describe(sub, entry, (found) => (invocation = found))
  }
  for (const command of [program, ...program.commands]) quiet(command)
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return undefined
    throw new CliError('USAGE', error.message.replace(/^error: /, ''), { next: usageHint(called) })
  }
  return invocation
}

/** `celery-sandbox`, `celery-sandbox help`, `celery-sandbox help up`, `celery-sandbox multi start 3 --help`. */
const asksForHelp = (given: readonly string[]) => {
  if (given.length === 0 || given[0] === 'help') return true
  const takesCommand = commandTable.some((entry) => entry.name === given[0] && entry.takesCommand)
  return given.includes('--help') && !takesCommand
}

const calledIn = (given: readonly string[]) => given.filter((word) => !/^(-.*|help)$/.test(word)).slice(0, 1)

async function describe(sub: Commander, entry: CommandEntry, onCall: (invocation: Invocation) => void): Promise<void> {
  const command = await entry.load()
  for (const [syntax, meaning] of command.arguments ?? []) sub.argument(syntax, meaning)
  if (entry.takesCommand) {
    sub.parent?.enablePositionalOptions()
    sub.passThroughOptions()
  }
  if (command.readsItsOwnWords) {
    sub.parent?.enablePositionalOptions()
    sub.passThroughOptions().allowUnknownOption()
  }
  const table = { ...command.options, ...everywhere }
  for (const [name, option] of Object.entries(table)) sub.addOption(commanderOption(name, option))
  if (command.examples.length > 0) {
    sub.addHelpText('after', `\nExamples:\n${command.examples.map((line) => `  $ ${line}`).join('\n')}`)
  }
  sub.action((...given: unknown[]) => {
    const args = given
      .slice(0, -2)
      .flat()
      .filter((arg) => typeof arg === 'string')
    onCall({
      command,
      args,
      takesCommand: entry.takesCommand === true,
      options: { ...defaultsOf(table), ...sub.opts() },
    })
  })
}

function defaultsOf(table: OptionTable): Record<string, unknown> {
  return Object.fromEntries(Object.entries(table).map(([name, option]) => [name, option.default]))
}

function commanderOption(name: string, { flags, meaning, parse, default: value, choices }: Option<unknown>) {
  const option = new CommanderOption(flags, meaning)
  if (typeof value === 'string') option.default(value)
  if (choices) option.choices([...choices])
  if (parse) option.argParser((text, before) => parsed(parse, text, before))
  option.attributeName = () => name
  // A flag of its own, not the opposite of another.
  option.negate = false
  return option
}

function parsed(parse: (text: string, before?: unknown) => unknown, text: string, before: unknown): unknown {
  try {
    return parse(text, before)
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
  }
}

// Commander would print mistakes and end the process by itself; both are ours to do.
function quiet(command: Commander): void {
  command
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ writeErr: () => {} })
}

const usageHint = (called: string | undefined) =>
  commandTable.some((entry) => entry.name === called)
    ? `See it with: celery-sandbox ${called} --help`
    : 'See the commands with: celery-sandbox --help'
