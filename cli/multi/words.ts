import { CliError } from '../errors.ts'

/** Options in the order in which they were given: `-c` → `3`, `--pidfile` → `/run/%n.pid`; undefined without a value. */
export type Options = ReadonlyMap<string, string | undefined>

/** The words of `multi` after its command, taken apart as Celery does it. */
export interface Words {
  /** Names of nodes, or how many. */
  readonly names: readonly string[]
  readonly options: Options
  /** Options of some nodes only, `-c:1-3 10`, by what stands after the colon. */
  readonly scoped: ReadonlyMap<string, Options>
  /** `--` and what follows, for every worker. */
  readonly rest: readonly string[]
}

/**
 * A short option takes the next word as its value unless that is an option too; a long one has its value after `=`.
 *
 * @throws {CliError} USAGE
 */
export function readWords(given: readonly string[]): Words {
  const end = given.indexOf('--')
  const words = (end < 0 ? given : given.slice(0, end)).filter((word) => word !== '')
  const names: string[] = []
  const options = new Map<string, string | undefined>()
  const scoped = new Map<string, Map<string, string | undefined>>()
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? ''
    if (!word.startsWith('-')) {
      names.push(nameOf(word))
      continue
    }
    const [flag, value] = word.startsWith('--') ? word.split(/=(.*)/s) : [word, valueAfter(words, at)]
    if (!word.startsWith('--') && value !== undefined) at += 1
    const [option = '', scope] = (flag ?? '').split(/:(.*)/s)
    if (scope === undefined) options.set(option, value)
    else scoped.set(scope, (scoped.get(scope) ?? new Map()).set(option, value))
  }
  return { names, options, scoped, rest: end < 0 ? [] : given.slice(end) }
}

function valueAfter(words: readonly string[], at: number): string | undefined {
  const next = words[at + 1]
  return next?.startsWith('-') ? undefined : next
}

/** Celery would take the path of `--pidfile /run/%n.pid` for a node. */
function nameOf(word: string): string {
  if (!word.includes('/')) return word
  throw new CliError(
    'USAGE',
    `'${word}' is no name of a node; a long option has its value after =, as --pidfile=${word}`,
  )
}

/**
 * The options of the nodes that scopes name: by name, by place (`1` is the first), as a list (`1,2` or `foo,bar`), and,
 * where nodes are numbers, as a range (`1-3`).
 *
 * @throws {CliError} USAGE for a place where no node is
 */
export function scopes(scoped: Words['scoped'], names: readonly string[], areNumbers: boolean): Map<string, Options> {
  const found = new Map<string, Options>()
  const add = (name: string, options: Options) => found.set(name, new Map([...(found.get(name) ?? []), ...options]))
  const isPlace = (scope: string) => /^\d+$/.test(scope)
  const isList = (scope: string) => scope.includes(',') || (areNumbers && scope.includes('-'))
  // A place wins over a name, and a list over both.
  for (const [scope, options] of scoped) if (!isPlace(scope) && !isList(scope)) add(scope, options)
  for (const [scope, options] of scoped) if (isPlace(scope)) add(nodeAt(scope, names), options)
  for (const [scope, options] of scoped) {
    if (isList(scope)) for (const name of listed(scope, areNumbers)) add(name, options)
  }
  return found
}

function nodeAt(place: string, names: readonly string[]): string {
  if (place === '0') throw new CliError('USAGE', `places of nodes begin at 1, got '${place}'`)
  const name = names[Number(place) - 1]
  if (name === undefined) throw new CliError('USAGE', `there is no node at place '${place}'`)
  return name
}

function listed(scope: string, areNumbers: boolean): string[] {
  return scope.split(',').flatMap((part) => {
    const [, first, last] = (areNumbers && /^(\d+)-(\d+)$/.exec(part)) || []
    if (first === undefined || last === undefined) return [part]
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, n) => String(Number(first) + n))
  })
}
