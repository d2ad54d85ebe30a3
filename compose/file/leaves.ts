import type { Leaves } from './schema.ts'
import { shellWords } from './shell-words.ts'
import { formatDuration, parseBytes, parseDuration, roundToFloat32 } from './units.ts'

/** A value that does not fit its kind. */
export class Misfit {
  readonly expected: string
  constructor(expected: string) {
    this.expected = expected
  }
}

type LeafReader<T> = (value: unknown, warn: (message: string) => void) => T | undefined | Misfit

/** How each plain kind is read. */
export const leaves: { readonly [L in keyof Leaves]: LeafReader<Leaves[L]> } = {
  text: (value) => (typeof value === 'string' ? value || undefined : new Misfit('a string')),
  word: (value) =>
    typeof value === 'string' || typeof value === 'number'
      ? String(value) || undefined
      : new Misfit('a string or a number'),
  flag: (value, warn) => readBoolean(value, warn, (result) => result || undefined),
  switch: (value, warn) => readBoolean(value, warn, (result) => result),
  integer: (value) => readInteger(value, (result) => result || undefined),
  count: (value) => readInteger(value, (result) => result),
  decimal(value) {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
    if (typeof number !== 'number' || Number.isNaN(number)) return new Misfit('a number')
    return roundToFloat32(number) || undefined
  },
  duration(value) {
    const ns = typeof value === 'string' ? parseDuration(value) : undefined
    return ns === undefined ? new Misfit('a duration such as 30s or 1m30s') : formatDuration(ns)
  },
  bytes(value) {
    const bytes = typeof value === 'string' || typeof value === 'number' ? parseBytes(String(value)) : undefined
    return bytes === undefined ? new Misfit('a size such as 64mb or 1g') : bytes === 0 ? undefined : String(bytes)
  },
  argv(value, warn) {
    if (value === null) return null
    if (Array.isArray(value)) {
      return value.every((word) => typeof word === 'string') ? value : new Misfit('a list of strings')
    }
    if (typeof value !== 'string') return new Misfit('a string or a list of strings')
    const split = shellWords(value)
    if (split?.cutAt) {
      warn(`no shell reads this command: it ends before "${split.cutAt}"; write ["sh", "-c", "…"] to run a shell`)
    }
    return split?.words ?? new Misfit('a command with balanced quotes')
  },
  test(value) {
    if (typeof value === 'string') return ['CMD-SHELL', value]
    if (!Array.isArray(value) || !value.every((word) => typeof word === 'string')) {
      return new Misfit('a string or a list of strings')
    }
    if (value.length === 0) return undefined
    return ['CMD', 'CMD-SHELL', 'NONE'].includes(value[0] ?? '')
      ? value
      : new Misfit('a list that begins with CMD, CMD-SHELL or NONE')
  },
  limit(value) {
    // Compose writes the single limit 0 as no limit at all.
    if (!isMapping(value)) return readInteger(value, (result) => result || {})
    const soft = readInteger(value.soft ?? 0, (result) => result)
    const hard = readInteger(value.hard ?? 0, (result) => result)
    if (soft instanceof Misfit || hard instanceof Misfit) return new Misfit('a whole number or { soft, hard }')
    return { ...(soft && { soft }), ...(hard && { hard }) }
  },
  hosts(value) {
    const lines = isMapping(value)
      ? Object.entries(value).flatMap(([host, ips]) => [ips].flat().map((ip) => `${host}=${String(ip)}`))
      : value
    if (!Array.isArray(lines)) return new Misfit('a mapping or a list of host=address')
    const hosts = lines.map((line) => /^([^=:]+)[=:](.+)$/s.exec(String(line)))
    if (hosts.includes(null)) return new Misfit('entries of the form host=address')
    const all = hosts.flatMap((match) => {
      const [, host = '', addresses = ''] = match ?? []
      return addresses.split(',').map((address) => `${host}=${address.replace(/^\[(.+)\]$/, '$1')}`)
    })
    return all.length > 0 ? all.sort() : undefined
  },
  any: (value) => value,
}

const truths = ['true', 'y', 'yes', 'on']
const falsehoods = ['false', 'n', 'no', 'off']

function readBoolean<T>(value: unknown, warn: (message: string) => void, done: (result: boolean) => T): T | Misfit {
  const text = String(value).toLowerCase()
  const result = truths.includes(text) ? true : falsehoods.includes(text) ? false : undefined
  if (result === undefined || (typeof value !== 'boolean' && typeof value !== 'string')) {
    return new Misfit('true or false')
  }
  if (text !== String(result)) warn(`"${text}" is no boolean of YAML 1.2, write ${result}`)
  return done(result)
}

function readInteger<T>(value: unknown, done: (result: number) => T): T | Misfit {
  const number = typeof value === 'string' && /^[-+]?\d+$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) ? done(number) : new Misfit('a whole number')
}

/** Whether a value of the file is a mapping. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
