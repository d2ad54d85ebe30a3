import { normalize, resolve } from 'node:path'
import { hostName } from '../../src/index.ts'
import { CliError } from '../errors.ts'
import { type Options, scopes, type Words } from './words.ts'

/** A worker that `multi` starts and stops. */
export interface Node {
  /** `celery1@host` */
  readonly name: string
  /** The command line that runs it in the background, from the program on. */
  readonly argv: readonly string[]
  readonly pidfile: string
  readonly logfile: string
  /** A template of this node's own: `%n` is its name, `%d` its host, `%h` both. */
  expand(template: string): string
}

/** What the words leave open. */
export interface Surroundings {
  /** The words that run this command line, without its options. */
  readonly command: readonly string[]
  readonly cwd: string
}

/** Read here; a worker does not know them. */
const notForWorkers = [
  '--hostname',
  '-n',
  '--prefix',
  '--suffix',
  '--range-prefix',
  '--cmd',
  '--append',
  '--executable',
]

/**
 * The nodes that the words name: so many (`3` → `celery1`, `celery2`, `celery3`), or those names.
 *
 * @throws {CliError} USAGE
 */
export function nodesOf(words: Words, { command, cwd }: Surroundings): Node[] {
  const { options, rest } = words
  const [first = ''] = words.names
  const areNumbers = words.names.length === 1 && /^\d+$/.test(first)
  const names = areNumbers ? Array.from({ length: Number(first) }, (_, n) => String(n + 1)) : words.names
  const found = scopes(words.scoped, names, areNumbers)
  const host = options.get('--suffix') || options.get('--hostname') || options.get('-n') || hostName()
  const suffix = host === '""' || host === "''" ? '' : host
  const prefix = (areNumbers ? options.get('--range-prefix') || 'celery' : options.get('--prefix')) ?? ''
  const shared = [...options].filter(([option]) => !notForWorkers.includes(option))
  return names.map((given) => {
    const name = expandHost(given.includes('@') ? given : `${prefix}${given}@${suffix}`)
    const [short = ''] = given.includes('@') ? name.split('@') : [given]
    const merged = new Map([...shared, ...(found.get(found.has(name) ? name : short) ?? [])])
    return nodeOf(name, merged, {
      cwd,
      program: programOf(options, command),
      rest,
      append: options.get('--append') ?? '',
    })
  })
}

function programOf(options: Options, [executable = '', ...bin]: readonly string[]): readonly string[] {
  return [options.get('--executable') ?? executable, ...bin, ...wordsOf(options.get('--cmd') ?? 'worker --detach')]
}

const wordsOf = (text: string) => text.split(' ').filter((word) => word !== '')

interface Shared {
  readonly program: readonly string[]
  readonly cwd: string
  readonly rest: readonly string[]
  readonly append: string
}

function nodeOf(name: string, given: Options, { program, cwd, rest, append }: Shared): Node {
  const expand = (template: string) => expandNode(template, name)
  const options = new Map(given).set('-n', name)
  const pidfile = pathOption(options, '-p', '--pidfile', '/var/run/celery/%n.pid')
  const logfile = pathOption(options, '-f', '--logfile', '/var/log/celery/%n%I.log')
  const there = resolve(cwd, expand(options.get('--workdir') ?? '.'))
  const path = (template: string) => resolve(there, expand(template).replaceAll('%I', '').replaceAll('%i', '0'))
  const own = [...options].flatMap(([option, value]) => optionWords(option, value && expand(value)))
  const argv = [...program, ...own, ...rest, ...wordsOf(expand(append))]
  return { name, argv, pidfile: path(pidfile), logfile: path(logfile), expand }
}

/** That of the short option or the long one; where neither is given, the long one gets the default. */
function pathOption(options: Map<string, string | undefined>, short: string, long: string, standard: string): string {
  const option = options.has(short) ? short : long
  if (!options.has(option)) options.set(long, normalize(standard))
  const value = options.get(option)
  if (value) return value
  throw new CliError('USAGE', `${option} needs a value: ${long}=${standard}`)
}

function optionWords(option: string, value: string | undefined): readonly string[] {
  if (!value) return [option]
  return option.startsWith('--') ? [`${option}=${value}`] : [option, value]
}

/** In a node's own name: `%h` is this host, `%n` the first part of its name, `%d` the rest. */
function expandHost(template: string): string {
  const host = hostName()
  const [first = '', domain = ''] = host.split(/\.(.*)/s)
  return expandLetters(template, { h: host, n: first, d: domain, i: '0', I: '' })
}

function expandNode(template: string, name: string): string {
  const [short = '', host = ''] = name.split(/@(.*)/s)
  // A process of the pool has an index, which only the worker knows.
  return expandLetters(template, { h: name, n: short, d: host, N: short, p: name, i: '%i', I: '%I' })
}

function expandLetters(template: string, letters: Readonly<Record<string, string>>): string {
  return template.replace(/%(\w)/g, (_, letter: string) => {
    const text = letters[letter]
    if (text !== undefined) return text
    throw new CliError('USAGE', `nothing is known for %${letter} in '${template}'`)
  })
}
