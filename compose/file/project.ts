import { resolve } from 'node:path'
import { StackError } from '../errors.ts'
import { assemble } from './assemble.ts'
import { type DotenvProblem, discover, type Environment, projectName, readEnvironment } from './discover.ts'
import { Findings } from './findings.ts'
import { interpolate } from './interpolate.ts'
import { lint } from './lint.ts'
import type { Model, Project } from './model.ts'
import { resolveModel } from './resolve.ts'
import { readSources, type Source } from './yaml/source.ts'

/** Where to look for a project. */
export interface ProjectOptions {
  readonly directory?: string | undefined
  /** `-f`; `-` is standard input. */
  readonly files?: readonly string[] | undefined
  readonly projectName?: string | undefined
  /** `--project-directory`: relative paths count from here instead of from the first file. */
  readonly projectDirectory?: string | undefined
  readonly profiles?: readonly string[] | undefined
  /** `--env-file`: these instead of `.env`. */
  readonly envFiles?: readonly string[] | undefined
  readonly env?: Environment | undefined
}

/** A project that was found. */
export interface OpenedProject extends Project {
  /**
   * What the files ask for.
   *
   * @throws {StackError} COMPOSE_FILE_INVALID with every problem of every file; COMPOSE_UNSUPPORTED
   */
  model(): Model
}

/** A model, and what is said besides. */
export interface Examined {
  readonly model: Model
  /** What is allowed and will be regretted, a sentence each. */
  readonly advice: readonly string[]
  /** Every profile that a service names. */
  readonly profiles: readonly string[]
}

/**
 * Finds a project and its name; what its files say is only judged when the model is asked for, so that a stack can
 * be looked at and taken down whatever its files have become.
 *
 * @throws {StackError} COMPOSE_FILE_NOT_FOUND when there is no file and no name; PROJECT_NAME_INVALID
 */
export function openProject(options: ProjectOptions): OpenedProject {
  const { project, examine } = find(options)
  return { ...project, model: () => examine().model }
}

/**
 * Reads the files of a project, and says all there is to say about them.
 *
 * @throws {StackError} as `openProject` and its `model`
 */
export function examineProject(options: ProjectOptions): Examined {
  return find(options).examine()
}

function find(options: ProjectOptions): { project: Project; examine: () => Examined } {
  const start = options.directory ?? process.cwd()
  const given = options.env ?? process.env
  const named = { named: options.envFiles, start }
  const found = discover(start, options.files, readEnvironment([start], given, named).environment)
  const { files } = found
  const directory = options.projectDirectory === undefined ? found.directory : resolve(start, options.projectDirectory)
  if (files.length === 0 && !options.projectName) {
    throw new StackError('COMPOSE_FILE_NOT_FOUND', `no compose.yaml in ${directory} or above`)
  }
  // Who names files or a directory speaks of that place, and not of where the command was given.
  const isNamed = options.projectDirectory !== undefined || (options.files ?? []).length > 0
  const { environment, problems } = readEnvironment(isNamed ? [directory] : [start, directory], given, named)
  const sources = files.flatMap(readSources)
  const name = projectName(options.projectName, environment, nameIn(sources, environment), directory)
  const envFiles = options.envFiles?.map((file) => resolve(start, file))
  const project = { name, directory, files, ...(envFiles && { envFiles }) }
  const active =
    options.profiles && options.profiles.length > 0 ? options.profiles : environment.COMPOSE_PROFILES?.split(',')
  const profiles = (active ?? []).filter((profile) => profile !== '')
  const examine = () => build(project, sources, problems, { ...environment, COMPOSE_PROJECT_NAME: name }, profiles)
  return { project, examine }
}

function nameIn(sources: readonly Source[], environment: Environment): string | undefined {
  const names = sources.map(({ value }) => (value as { name?: unknown } | undefined | null)?.name)
  const name = names.findLast((candidate) => typeof candidate === 'string')
  const result = typeof name === 'string' ? interpolate(name, (variable) => environment[variable]) : undefined
  return result?.ok ? result.text : undefined
}

function build(
  project: Project,
  sources: readonly Source[],
  dotenvProblems: readonly DotenvProblem[],
  environment: Environment,
  profiles: readonly string[],
): Examined {
  if (sources.length === 0) {
    throw new StackError('COMPOSE_FILE_NOT_FOUND', `no compose.yaml in ${project.directory} or above`)
  }
  const findings = new Findings(project.directory)
  for (const { file, line, message } of dotenvProblems) findings.add({ file, line, column: 1, message })
  for (const { file, problems } of sources) for (const problem of problems) findings.add({ ...problem, file })
  // A file that is no YAML says nothing reliable about keys.
  if (!findings.isFatal) {
    const group = { sources, directory: project.directory, environment, trail: [] }
    const { file, sources: all } = assemble(group, findings)
    const model = resolveModel({ project, file, environment, profiles }, findings.about(all))
    if (!findings.isFatal) {
      const advice = new Findings(project.directory)
      lint(model, advice.about(all))
      const named = new Set(Object.values(file.services ?? {}).flatMap(({ profiles: own }) => own ?? []))
      return { model: { ...model, warnings: findings.warnings }, advice: advice.warnings, profiles: [...named].sort() }
    }
  }
  throw findings.failure()
}
