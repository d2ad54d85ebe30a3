import { type ConfigOptions, openStack, type Stack, StackError } from '../compose/index.ts'
import { choice, names, text } from './command.ts'
import type { Context } from './context.ts'
import { CliError } from './errors.ts'
import { ownCommand } from './installation.ts'
import { probes } from './probes.ts'

/** Options of every command that deals with a stack. */
export const stackOptions = {
  file: names('--file <paths>', 'compose files (default: compose.yaml here or in a directory above)'),
  projectDirectory: text(
    '--project-directory <path>',
    'where relative paths count from (default: that of the first file)',
  ),
  envFile: names('--env-file <paths>', 'files of variables instead of .env'),
  profile: names('--profile <names>', 'profiles whose services take part (default: COMPOSE_PROFILES)'),
  projectName: text('-p, --project-name <name>', 'name of the stack (default: that of the directory)'),
  engine: choice(
    '--engine <engine>',
    'what runs it: Docker, or an embedded broker and processes (auto: Docker if it answers)',
    ['auto', 'docker', 'embedded'],
    'auto',
  ),
}

export interface StackChoice {
  readonly file?: readonly string[] | undefined
  readonly projectDirectory?: string | undefined
  readonly envFile?: readonly string[] | undefined
  readonly profile?: readonly string[] | undefined
  readonly projectName?: string | undefined
  readonly engine?: 'auto' | 'docker' | 'embedded'
  readonly strictPorts?: boolean
  /** A directory that goes with this process, and the stack with it. */
  readonly scratch?: string
}

/**
 * The stack of the project in which the command was called.
 *
 * @param signal ends what the stack is doing; by default the first Ctrl-C
 */
export function openProjectStack(
  { cwd, env, signal: interrupted }: Context,
  given: StackChoice = {},
  signal: AbortSignal = interrupted,
): Promise<Stack> {
  const { engine, strictPorts, scratch } = given
  const commands = { bin: ownCommand, broker: [...ownCommand, 'broker'] }
  return openStack({ ...whichProject(cwd, env, given), signal, probes, commands, engine, strictPorts, scratch })
}

/** How compose/ is told which project is meant. */
export function whichProject(cwd: string, env: Context['env'], given: StackChoice): ConfigOptions {
  const { file: files, envFile: envFiles, profile: profiles, projectName, projectDirectory } = given
  return { directory: cwd, env, files, envFiles, profiles, projectName, projectDirectory }
}

/**
 * Lets this process see the stack as its workers do: their environment, with addresses that work from here. What the
 * process was given itself wins, and outside of a project nothing changes.
 */
export async function adoptStackEnvironment(context: Context, given: StackChoice = {}): Promise<void> {
  if (context.env.CELERY_BROKER_URL) return
  const environment = await stackEnvironment(context, given)
  for (const [name, value] of Object.entries(environment ?? {})) process.env[name] ??= value
}

/**
 * The workers' environment as seen from here; undefined outside of a project.
 *
 * @throws {CliError} STACK_DOWN when there is a project and nothing of it runs
 */
export async function stackEnvironment(
  context: Context,
  given: StackChoice = {},
): Promise<Readonly<Record<string, string>> | undefined> {
  const stack = await openProjectStack(context, given).catch((error: unknown) => {
    if (error instanceof StackError && error.code === 'COMPOSE_FILE_NOT_FOUND') return undefined
    throw error
  })
  if (!stack) return undefined
  try {
    const containers = await stack.ps()
    if (containers.some(({ state }) => state === 'running')) return await stack.environment()
    throw new CliError('STACK_DOWN', `the stack ${stack.project.name} is not up`)
  } finally {
    await stack.close()
  }
}
