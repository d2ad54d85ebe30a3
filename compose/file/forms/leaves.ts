import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { formatDuration, formatNumber, parseBytes, parseDuration, roundToFloat32 } from '../units.ts'
import type { Leaves } from './kinds.ts'
import { shellWords } from './shell-words.ts'

/** A value of the right type whose text means nothing. */
export class Misfit {
  readonly expected: string
  constructor(expected: string) {
    this.expected = expected
  }
}

interface Surroundings {
  /** Absolute; relative paths count from here. */
  readonly directory: string
  readonly warn: (message: string) => void
}

type LeafReader<T> = (value: unknown, surroundings: Surroundings) => T | undefined | Misfit

/** How each plain kind is read. The schema has seen to the type of the value. */
export const leaves: { readonly [L in keyof Leaves]: LeafReader<Leaves[L]> } = {
  text: (value) => String(value ?? '') || undefined,
  word: (value) => scalarText(value) || undefined,
  flag: (value, { warn }) => readBoolean(value, warn, (result) => result || undefined),
  switch: (value, { warn }) => readBoolean(value, warn, (result) => result),
  integer: (value) => readInteger(value, (result) => result || undefined),
  count: (value) => readInteger(value, (result) => result),
  decimal(value) {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
    if (typeof number !== 'number' || Number.isNaN(number)) return new Misfit('a number')
    return roundToFloat32(number) || undefined
  },
  devices: (value) =>
    String(value).toLowerCase() === 'all' ? -1 : readInteger(value, (result) => result || undefined),
  duration: (value) => readDuration(value, formatDuration),
  delay: (value) => readDuration(value, (ns) => (ns === 0 ? undefined : formatDuration(ns))),
  bytes(value) {
    const bytes = parseBytes(String(value))
    return bytes === undefined ? new Misfit('a size such as 64mb or 1g') : bytes === 0 ? undefined : String(bytes)
  },
  mode(value) {
    const bits =
      typeof value === 'number' ? value : /^[0-7]+$/.test(String(value)) ? Number.parseInt(String(value), 8) : -1
    return bits < 0 ? new Misfit('permissions such as 0440') : `0${bits.toString(8)}`
  },
  path: (value, { directory }) => absolutePath(String(value), directory),
  context: (value, { directory }) => absoluteContext(String(value), directory),
  argv(value, { warn }) {
    if (value === null || Array.isArray(value)) return value
    const split = shellWords(String(value))
    if (split?.cutAt) {
      warn(`no shell reads this command: it ends before "${split.cutAt}"; write ["sh", "-c", "…"] to run a shell`)
    }
    return split?.words ?? new Misfit('a command with balanced quotes')
  },
  test(value) {
    if (!Array.isArray(value)) return ['CMD-SHELL', String(value)]
    if (value.length === 0) return undefined
    return ['CMD', 'CMD-SHELL', 'NONE'].includes(value[0])
      ? value
      : new Misfit('a list that begins with CMD, CMD-SHELL or NONE')
  },
  limit(value) {
    // Compose writes the single limit 0 as no limit at all.
    if (!isMapping(value)) return readInteger(value, (result) => result || {})
    const soft = readInteger(value.soft, (result) => result)
    const hard = readInteger(value.hard, (result) => result)
    if (soft instanceof Misfit || hard instanceof Misfit) return new Misfit('a whole number or { soft, hard }')
    return { ...(soft && { soft }), ...(hard && { hard }) }
  },
  hosts(value) {
    const lines = isMapping(value)
      ? Object.entries(value).flatMap(([host, ips]) => [ips].flat().map((ip) => `${host}=${String(ip ?? '')}`))
      : (value as readonly unknown[])
    const hosts = lines.map((line) => /^([^=:]+)[=:](.+)$/s.exec(String(line)))
    if (hosts.includes(null)) return new Misfit('entries of the form host=address')
    const all = hosts.flatMap((match) => {
      const [, host = '', addresses = ''] = match ?? []
      return addresses.split(',').map((address) => `${host}=${address.replace(/^\[(.+)\]$/, '$1')}`)
    })
    return all.length > 0 ? all.sort() : undefined
  },
  ssh(value, { directory }) {
    const keys = isMapping(value)
      ? Object.entries(value).map(([id, path]) => (path === null ? id : `${id}=${String(path)}`))
      : (value as readonly unknown[]).map(String)
    if (keys.some((key) => key !== 'default' && !key.includes('=')))
      return new Misfit('"default" or entries of the form id=path')
    const all = keys.map((key) => key.replace(/(?<==).+$/s, (path) => absolutePath(path, directory)))
    return all.length > 0 ? all : undefined
  },
  any: (value) => value,
}

/** A path of this machine, `~` and all, as seen from a directory. */
export function absolutePath(path: string, directory: string): string {
  const expanded = /^~($|[\\/])/.test(path) ? join(homedir(), path.slice(1)) : path
  const isWindows = /^[a-z]:[\\/]|^\\\\/i.test(expanded)
  return isAbsolute(expanded) || isWindows ? expanded : resolve(directory, expanded)
}

/** Whether something is fetched by whoever uses it, and no path of this machine. */
export function isRemote(context: string): boolean {
  return /:\/\/|^(github\.com\/|git@|service:)/.test(context)
}

function absoluteContext(context: string, directory: string): string {
  return isRemote(context) ? context : absolutePath(context, directory)
}

/** A plain value as text, as Go prints it. */
export function scalarText(value: unknown): string {
  return typeof value === 'number' ? formatNumber(value) : String(value)
}

const truths = ['true', 'y', 'yes', 'on']
const falsehoods = ['false', 'n', 'no', 'off']

function readBoolean<T>(value: unknown, warn: (message: string) => void, done: (result: boolean) => T): T | Misfit {
  const text = String(value).toLowerCase()
  const result = truths.includes(text) ? true : falsehoods.includes(text) ? false : undefined
  if (result === undefined) return new Misfit('true or false')
  if (text !== String(result)) warn(`"${text}" is no boolean of YAML 1.2, write ${result}`)
  return done(result)
}

function readDuration<T>(value: unknown, done: (ns: number) => T): T | Misfit {
  const ns = parseDuration(String(value))
  return ns === undefined ? new Misfit('a duration such as 30s or 1m30s') : done(ns)
}

function readInteger<T>(value: unknown, done: (result: number) => T): T | Misfit {
  const number = /^[-+]?\d+$/.test(String(value)) ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) ? done(number) : new Misfit('a whole number')
}

/** Whether a value of the file is a mapping. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
