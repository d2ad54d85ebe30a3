import { existsSync } from 'node:fs'
import { basename, delimiter, dirname, join, resolve } from 'node:path'
import { StackError } from '../errors.ts'
import { readDotenv } from './dotenv.ts'

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

const fileNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml']
const overrideNames = [
  'compose.override.yml',
  'compose.override.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml',
]

/** Where a project is. */
export interface Discovered {
  /** Absolute; relative paths of the files count from here. */
  readonly directory: string
  /** Absolute, or `-`; empty when none was found. */
  readonly files: readonly string[]
}

/** Finds the files as Compose does: those named, else COMPOSE_FILE, else the first directory upwards that has one. */
export function discover(start: string, named: readonly string[] | undefined, env: Environment): Discovered {
  const list = env.COMPOSE_FILE?.split(env.COMPOSE_PATH_SEPARATOR ?? delimiter).filter((file) => file !== '')
  const given = named && named.length > 0 ? named : list
  if (given && given.length > 0) {
    const files = given.map((file) => (file === '-' ? file : resolve(start, file)))
    return { directory: files[0] === '-' ? resolve(start) : dirname(files[0] ?? start), files }
  }
  for (let directory = resolve(start); ; directory = dirname(directory)) {
    const main = firstIn(directory, fileNames)
    const override = firstIn(directory, overrideNames)
    if (main) return { directory, files: override ? [main, override] : [main] }
    if (directory === dirname(directory)) return { directory: resolve(start), files: [] }
  }
}

function firstIn(directory: string, names: readonly string[]): string | undefined {
  return names.map((name) => join(directory, name)).find(existsSync)
}

/** A line of an environment file that cannot be read. */
export interface DotenvProblem {
  readonly file: string
  readonly line: number
  readonly message: string
}

/** Where `.env` files are looked for, and which instead. */
export interface EnvironmentFiles {
  /** `--env-file`; each must be there. */
  readonly named?: readonly string[] | undefined
  /** Where they count from. */
  readonly start: string
}

/** The process environment over the `.env` of each directory, the first directory first. */
export function readEnvironment(
  directories: readonly string[],
  env: Environment,
  { named, start }: EnvironmentFiles,
): { environment: Environment; problems: readonly DotenvProblem[] } {
  const given = named && named.length > 0 ? named : env.COMPOSE_ENV_FILES?.split(',').filter((file) => file !== '')
  if (given) {
    const files = given.map((file) => resolve(start, file))
    return readEnvironmentFiles(files, env, { areRequired: true })
  }
  if (/^(1|t|true)$/i.test(env.COMPOSE_DISABLE_ENV_FILE ?? '')) return { environment: env, problems: [] }
  return [...new Set(directories)].reduce<ReturnType<typeof readEnvironmentFiles>>(
    ({ environment, problems }, place) => {
      const next = readEnvironmentFiles([join(place, '.env')], environment, { areRequired: false })
      return { environment: next.environment, problems: [...problems, ...next.problems] }
    },
    { environment: env, problems: [] },
  )
}

/** An environment over what files say, the later file over the earlier. */
export function readEnvironmentFiles(
  files: readonly string[],
  env: Environment,
  { areRequired }: { areRequired: boolean },
): { environment: Environment; problems: readonly DotenvProblem[] } {
  const problems: DotenvProblem[] = []
  let values: Readonly<Record<string, string>> = {}
  for (const file of files) {
    if (!existsSync(file)) {
      if (areRequired) problems.push({ file, line: 1, message: 'no such environment file' })
      continue
    }
    const result = readDotenv(file, (name) => env[name], { earlier: values })
    if (result.ok) values = result.values
    else problems.push({ file, line: result.line, message: result.problem })
  }
  return { environment: { ...values, ...env }, problems }
}

/**
 * The project's name: given, else COMPOSE_PROJECT_NAME, else the file's `name:`, else the directory's.
 *
 * @throws {StackError} PROJECT_NAME_INVALID
 */
export function projectName(
  given: string | undefined,
  env: Environment,
  fromFile: string | undefined,
  directory: string,
): string {
  const exact = given || env.COMPOSE_PROJECT_NAME
  const name = exact ?? (normalized(fromFile ?? '') || normalized(basename(directory)))
  if (name === '' || normalized(name) !== name) {
    throw new StackError('PROJECT_NAME_INVALID', `"${exact ?? basename(directory)}" cannot be a project's name`)
  }
  return name
}

function normalized(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '')
}
