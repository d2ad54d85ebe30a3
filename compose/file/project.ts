import { relative } from 'node:path'
import { StackError } from '../errors.ts'
import { complete } from './complete.ts'
import { type DotenvProblem, discover, type Environment, projectName, readEnvironment } from './discover.ts'
import { interpolate } from './interpolate.ts'
import { readSource, type Source } from './load.ts'
import { merge, without } from './merge.ts'
import type { Model, Project } from './model.ts'
import { type Complain, type Complaint, normalize, type Path } from './normalize.ts'
import { resolveModel } from './resolve.ts'
import { fileKind } from './schema.ts'

/** Where to look for a project. */
export interface ProjectOptions {
  readonly directory?: string | undefined
  readonly files?: readonly string[] | undefined
  readonly projectName?: string | undefined
  readonly profiles?: readonly string[] | undefined
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

/**
 * Finds a project and its name; what its files say is only judged when the model is asked for, so that a stack can
 * be looked at and taken down whatever its files have become.
 *
 * @throws {StackError} COMPOSE_FILE_NOT_FOUND when there is no file and no name; PROJECT_NAME_INVALID
 */
export function openProject(options: ProjectOptions): OpenedProject {
  const start = options.directory ?? process.cwd()
  const given = options.env ?? process.env
  const { directory, files } = discover(start, options.files, readEnvironment([start], given).environment)
  if (files.length === 0 && !options.projectName) {
    throw new StackError('COMPOSE_FILE_NOT_FOUND', `no compose.yaml in ${directory} or above`)
  }
  const { environment, problems } = readEnvironment([start, directory], given)
  const sources = files.map(readSource)
  const name = projectName(options.projectName, environment, nameIn(sources, environment), directory)
  const project = { name, directory, files }
  const profiles =
    options.profiles ?? (environment.COMPOSE_PROFILES ?? '').split(',').filter((profile) => profile !== '')
  return {
    ...project,
    model: () => build(project, sources, problems, { ...environment, COMPOSE_PROJECT_NAME: name }, profiles),
  }
}

function nameIn(sources: readonly Source[], environment: Environment): string | undefined {
  const names = sources.map(({ value }) => (value as { name?: unknown } | undefined)?.name)
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
): Model {
  if (sources.length === 0) {
    throw new StackError('COMPOSE_FILE_NOT_FOUND', `no compose.yaml in ${project.directory} or above`)
  }
  const found: Finding[] = [
    ...dotenvProblems.map(({ file, line, message }) => ({
      severity: 'error' as const,
      file,
      line,
      column: 1,
      message,
    })),
    ...sources.flatMap(({ file, problems }) => problems.map((at) => ({ ...at, severity: 'error' as const, file }))),
  ]
  // A file that is no YAML says nothing reliable about keys.
  if (found.length === 0) {
    const report: Complain = (complaint) => found.push(located(complaint, sources))
    const merged = sources.reduce((base, source) => overlay(base, source, environment, found), undefined as unknown)
    const file = complete(fileKind, merged ?? {}, [], report)
    const model = resolveModel({ project, file, environment, profiles }, report)
    if (found.every(({ severity }) => severity === 'warning')) {
      return { ...model, warnings: [...new Set(found.map((finding) => lineOf(finding, project.directory)))] }
    }
  }
  throw failure(found, project.directory)
}

function overlay(base: unknown, source: Source, environment: Environment, found: Finding[]): unknown {
  const report: Complain = (complaint) => found.push(located(complaint, [source]))
  const value = interpolated(source.value ?? {}, [], environment, report)
  const canonical = normalize(fileKind, value, [], report)
  const kept = without(base, [...source.resets, ...source.overrides])
  return merge(fileKind, kept, without(canonical, source.resets))
}

/** Values only, never keys. */
function interpolated(value: unknown, path: Path, environment: Environment, complain: Complain): unknown {
  if (typeof value === 'string') {
    const result = interpolate(value, (name) => environment[name])
    if (!result.ok) return void complain({ severity: 'error', path, message: result.problem })
    for (const name of result.unset) {
      complain({ severity: 'warning', path, message: `the variable ${name} is not set; a blank string is used` })
    }
    return result.text
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).flatMap(([key, entry]): [string, unknown][] => {
    const step = Array.isArray(value) ? Number(key) : key
    const result = interpolated(entry, [...path, step], environment, complain)
    return result === undefined ? [] : [[key, result]]
  })
  return Array.isArray(value) ? entries.map(([, entry]) => entry) : Object.fromEntries(entries)
}

interface Finding {
  readonly severity: Complaint['severity']
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

/** The place in the last file that has the path, or most of it. */
function located({ severity, path, message, atKey }: Complaint, sources: readonly Source[]): Finding {
  const places = sources.map(({ file, position }) => ({ file, ...position(path, atKey) }))
  const place = places.reduceRight((best, next) => (next.depth > best.depth ? next : best))
  return { ...place, severity, message: path.length > 0 ? `${pathText(path)}: ${message}` : message }
}

/** `services.web.ports[0]` */
function pathText(path: Path): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '')
}

function lineOf({ file, line, column, message }: Finding, directory: string): string {
  const near = relative(directory, file)
  return `${near.startsWith('..') ? file : near}:${line}:${column} ${message}`
}

function failure(found: readonly Finding[], directory: string): StackError {
  const inOrder = found.toSorted((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : 0))
  const lines = (severity: Finding['severity']) => [
    ...new Set(inOrder.filter((finding) => finding.severity === severity).map((finding) => lineOf(finding, directory))),
  ]
  const errors = lines('error')
  const unsupported = lines('unsupported')
  if (errors.length === 0) {
    return new StackError('COMPOSE_UNSUPPORTED', `not supported yet: ${unsupported.join('; ')}`)
  }
  const details = [...errors, ...unsupported]
  const [only = '', ...more] = details
  return more.length === 0
    ? new StackError('COMPOSE_FILE_INVALID', only)
    : new StackError('COMPOSE_FILE_INVALID', `the compose file has ${details.length} mistakes`, { details })
}
