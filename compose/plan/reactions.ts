import { relative, resolve, sep } from 'node:path'
import dockerignore from '@balena/dockerignore'
import type { SyncedFile } from '../engine/engine.ts'
import type { Model, ServiceConfig } from '../file/model.ts'

type Trigger = NonNullable<NonNullable<ServiceConfig['develop']>['watch']>[number]

/** What is done about a service when a file below a path changes. */
export interface WatchRule {
  readonly service: string
  /** Absolute: a directory or a file. */
  readonly path: string
  readonly action: Trigger['action']
  /** Where it is in the containers. */
  readonly target: string | undefined
  readonly exec: Trigger['exec']
  /** Of a path relative to the rule's own. */
  readonly isMeant: (path: string) => boolean
}

/** Everything that a batch of changes means for one service. */
export interface Reaction {
  readonly service: string
  readonly paths: readonly string[]
  readonly files: readonly SyncedFile[]
  readonly rebuild: boolean
  readonly restart: boolean
  readonly execs: readonly Trigger['exec'][]
}

/** What nobody edits to change a program. */
const never = ['**/.git', '**/node_modules', '**/.celery-sandbox', '**/*~', '**/*.sw[a-z]', '**/.#*', '**/__pycache__']

/** What a program is made of. */
const sources = /\.(?:[cm]?[jt]sx?|json|py|toml|ya?ml|env)$/

/**
 * What is watched: what `develop.watch` says. A worker that says nothing, and has its program mounted from this
 * machine, is started again when that changes.
 */
export function watchRules({ services, directory }: Model, wanted: readonly string[] = []): readonly WatchRule[] {
  const chosen = Object.values(services).filter(({ name }) => wanted.length === 0 || wanted.includes(name))
  return chosen.flatMap(({ name, role, config }): WatchRule[] => {
    const triggers = config.develop?.watch
    if (triggers) return triggers.map((trigger) => ruleOf(name, trigger))
    const mounted = (config.volumes ?? []).flatMap(({ type, source = '' }) => (type === 'bind' ? [source] : []))
    return role !== 'worker'
      ? []
      : mounted.filter((path) => isBelow(path, directory)).map((path) => mountRule(name, path))
  })
}

function ruleOf(service: string, { path, action, target, exec, ignore = [], include = [] }: Trigger): WatchRule {
  const ignored = dockerignore.default({ ignorecase: false }).add([...never, ...ignore])
  const included = dockerignore.default({ ignorecase: false }).add([...include])
  const isMeant = (file: string) =>
    file === '' || (!ignored.ignores(file) && (include.length === 0 || included.ignores(file)))
  return { service, path, action, target, exec, isMeant }
}

function mountRule(service: string, path: string): WatchRule {
  const ignored = dockerignore.default({ ignorecase: false }).add([...never, '**/*.test.*'])
  const isMeant = (file: string) => file === '' || (sources.test(file) && !ignored.ignores(file))
  return { service, path, action: 'restart', target: undefined, exec: { command: null }, isMeant }
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory + sep)
}

/** What changed files mean, a reaction a service, in the order of the rules. */
export function reactionsTo(rules: readonly WatchRule[], changed: readonly string[]): readonly Reaction[] {
  const hits = rules.flatMap((rule) =>
    changed
      .filter((path) => isBelow(path, rule.path) && rule.isMeant(relative(rule.path, path).replaceAll(sep, '/')))
      .map((path) => ({ rule, path })),
  )
  return [...Map.groupBy(hits, ({ rule }) => rule.service)].map(([service, its]) => {
    const does = (action: string) => its.some(({ rule }) => rule.action === action)
    const rebuild = does('rebuild')
    const files = its.flatMap(({ rule: { path: root, action, target }, path }) =>
      action.startsWith('sync') && target
        ? [{ source: path, target: resolve(target, relative(root, path)).replaceAll(sep, '/') }]
        : [],
    )
    return {
      service,
      paths: [...new Set(its.map(({ path }) => path))],
      // A new image has the files, and its containers begin anew.
      files: rebuild ? [] : files,
      rebuild,
      restart: !rebuild && (does('restart') || does('sync+restart')),
      execs: rebuild ? [] : its.flatMap(({ rule }) => (rule.action === 'sync+exec' ? [rule.exec] : [])),
    }
  })
}
