import { dirname, join } from 'node:path'
import { messageOf } from '../errors.ts'
import type { Complain, Path } from './complaint.ts'
import { type Environment, readEnvironmentFiles } from './discover.ts'
import type { Findings } from './findings.ts'
import { complete } from './forms/complete.ts'
import { type Canonical, fileKind, serviceKind } from './forms/kinds.ts'
import { isMapping, isRemote } from './forms/leaves.ts'
import { merge, without } from './forms/merge.ts'
import { normalize } from './forms/normalize.ts'
import { interpolate } from './interpolate.ts'
import { judge } from './spec/judge.ts'
import { readSources, type Source } from './yaml/source.ts'

/** What several files say together. */
export type File = Canonical<typeof fileKind>

/** Files that belong together: those of a project, or of one entry of `include`. */
export interface Group {
  /** The later over the earlier. */
  readonly sources: readonly Source[]
  /** Absolute; relative paths in the files count from here. */
  readonly directory: string
  readonly environment: Environment
  /** The files that led here, by `include`. */
  readonly trail: readonly string[]
}

type Tree = Readonly<Record<string, unknown>>

/** Merges files with all that they extend and include: canonical, complete, paths absolute. */
export function assemble(group: Group, findings: Findings): { file: File; sources: readonly Source[] } {
  const included: Source[] = []
  const merged = group.sources.reduce<unknown>((base, source) => {
    const own = extended(read(source, group, findings), source, group, findings)
    const { include, ...rest } = own
    const value = ((include ?? []) as readonly Include[]).reduce<unknown>((over, entry, index) => {
      const complain = findings.about([source])
      const imported = importGroup(entry, { ...group, trail: [...group.trail, source.file] }, findings, (message) =>
        complain({ severity: 'error', path: ['include', index], message }),
      )
      if (!imported) return over
      included.push(...imported.sources)
      // Where both say something of the same thing, the file that includes has the last word.
      const { name: _, version: __, ...resources } = imported.file
      return merge(fileKind, without(resources, [...source.resets, ...source.overrides]), over)
    }, rest)
    return merge(fileKind, without(base, [...source.resets, ...source.overrides]), value)
  }, undefined)
  const sources = [...included, ...group.sources]
  const place = { path: [], directory: group.directory, complain: findings.about(sources) }
  return { file: withContents(complete(fileKind, merged ?? {}, place), group.environment), sources }
}

/** One file as it stands, canonical. */
function read(source: Source, { directory, environment }: Group, findings: Findings): Tree {
  const complain = findings.about([source])
  const given = without(source.value ?? {}, source.resets)
  const value = judge(interpolated(given, [], environment, complain), complain)
  return (normalize(fileKind, value, { path: [], directory, complain }) ?? {}) as Tree
}

interface Include {
  readonly path: readonly string[]
  readonly project_directory?: string
  readonly env_file?: readonly string[]
}

function importGroup(
  { path, project_directory, env_file }: Include,
  from: Group,
  findings: Findings,
  report: (message: string) => void,
): ReturnType<typeof assemble> | undefined {
  const [main = ''] = path
  const circle = from.trail.indexOf(main)
  if (circle >= 0) return void report(`include cycle detected: ${[...from.trail.slice(circle), main].join(' -> ')}`)
  const directory = project_directory ?? dirname(main)
  const { environment, problems } = readEnvironmentFiles(env_file ?? [join(directory, '.env')], from.environment, {
    areRequired: env_file !== undefined,
  })
  for (const { file, line, message } of problems) findings.add({ file, line, column: 1, message })
  const sources = path.map((file) => sourcesOf(file, findings, report))
  if (sources.includes(undefined) || problems.length > 0) return undefined
  return assemble({ sources: sources.flatMap((all) => all ?? []), directory, environment, trail: from.trail }, findings)
}

/** Another file that a file names; undefined, and reported, when it cannot be had. */
function sourcesOf(file: string, findings: Findings, report: (message: string) => void): readonly Source[] | undefined {
  if (isRemote(file)) return void report(`${file} is not of this machine: fetch it, and name the copy`)
  try {
    const sources = readSources(file)
    const problems = sources.flatMap((source) => source.problems)
    for (const problem of problems) findings.add({ ...problem, file })
    return problems.length > 0 ? undefined : sources
  } catch (thrown) {
    return void report(messageOf(thrown))
  }
}

/** Every service laid over the one that it extends. */
function extended(file: Tree, source: Source, group: Group, findings: Findings): Tree {
  const services = (file.services ?? {}) as Readonly<Record<string, Tree>>
  if (!Object.values(services).some((service) => service.extends)) return file
  const own: Origin = { source, services, group, done: new Map() }
  const whole = Object.keys(services).map((name) => [name, inherit(name, own, [], findings, findings.about([source]))])
  return { ...file, services: Object.fromEntries(whole) }
}

/** A file whose services are extended. */
interface Origin {
  readonly source: Source
  readonly services: Readonly<Record<string, Tree>>
  readonly group: Group
  /** What came out already. */
  readonly done: Map<string, Tree>
}

function inherit(name: string, origin: Origin, trail: readonly string[], findings: Findings, complain: Complain): Tree {
  const { source, services, done } = origin
  const known = done.get(name)
  if (known) return known
  const { extends: parent, ...service } = services[name] ?? {}
  if (!parent) return service
  const { service: reference, file } = parent as { service: string; file?: string }
  const here = `${name} in ${source.file}`
  const path = ['services', name, 'extends']
  const report = (message: string): Tree => {
    complain({ severity: 'error', path, message })
    return service
  }
  if (trail.includes(here))
    return report(`circular reference: ${[...trail.slice(trail.indexOf(here)), here].join(' -> ')}`)
  const base = file === undefined ? origin : originOf(file, reference, origin, findings, report)
  if (!base) return service
  if (!Object.hasOwn(base.services, reference)) {
    return report(
      `cannot extend service "${name}" in ${source.file}: service "${reference}" not found in ${base.source.file}`,
    )
  }
  const inherited = inherit(reference, base, [...trail, here], findings, findings.about([base.source]))
  const removed = [...source.resets, ...source.overrides]
    .filter(([top, owner]) => top === 'services' && owner === name)
    .map((dropped): Path => dropped.slice(2))
  const whole = merge(serviceKind, without(inherited, removed), service) as Tree
  done.set(name, whole)
  return whole
}

function originOf(
  file: string,
  reference: string,
  from: Origin,
  findings: Findings,
  report: (message: string) => unknown,
): Origin | undefined {
  const sources = sourcesOf(file, findings, report)
  const source = sources?.find(({ value }) => Object.hasOwn(servicesOf(value), reference)) ?? sources?.[0]
  if (!source) return undefined
  const group = { ...from.group, directory: dirname(file) }
  const value = read({ ...source, value: { services: ancestry(source.value, reference) } }, group, findings)
  return { source, group, done: new Map(), services: (value.services ?? {}) as Readonly<Record<string, Tree>> }
}

/** A service and those of its file that it extends: whatever else the file says does not count. */
function ancestry(value: unknown, reference: string): Tree {
  const services = servicesOf(value)
  const line: Record<string, unknown> = {}
  let name: unknown = reference
  while (typeof name === 'string' && !(name in line) && Object.hasOwn(services, name)) {
    const parent: unknown = services[name]?.extends
    line[name] = services[name]
    name = typeof parent === 'object' ? (parent as { service?: unknown } | null)?.service : parent
  }
  return line
}

function servicesOf(value: unknown): Readonly<Record<string, { extends?: unknown } | null>> {
  const { services } = (value ?? {}) as { services?: unknown }
  return isMapping(services) ? (services as ReturnType<typeof servicesOf>) : {}
}

/** Secrets and configs that an environment variable holds, of the environment that their file is read with. */
function withContents(file: File, environment: Environment): File {
  const filled = (objects: File['secrets']) =>
    objects &&
    Object.fromEntries(
      Object.entries(objects).map(([key, object]) => {
        const content = object.content ?? environment[object.environment ?? '']
        return [key, content === undefined ? object : { ...object, content }]
      }),
    )
  const { secrets, configs, ...rest } = file
  return {
    ...rest,
    ...(secrets && { secrets: filled(secrets) ?? {} }),
    ...(configs && { configs: filled(configs) ?? {} }),
  }
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
