import { isMapping, leaves, Misfit } from './leaves.ts'
import { nearest } from './nearest.ts'
import type { Kind, ShortForm } from './schema.ts'
import { listForms, nameForms, ShortFormError } from './short-forms.ts'
import { formatNumber } from './units.ts'

/** The way to a value: keys, and indices of lists. */
export type Path = readonly (string | number)[]

/** What does not fit. */
export interface Complaint {
  readonly severity: 'error' | 'unsupported' | 'warning'
  readonly path: Path
  readonly message: string
  /** Whether the key itself is wrong, not its value. */
  readonly atKey?: true
}

/** Collects complaints, so that all are found at once. */
export type Complain = (complaint: Complaint) => void

/**
 * Brings a value of one file into the canonical form of its kind: short forms written out, numbers and durations
 * as Compose prints them, empty values left out. What does not fit is reported and left out; undefined means absent.
 */
export function normalize(kind: Kind, value: unknown, path: Path, complain: Complain): unknown {
  const wrong = (expected: string) =>
    void complain({ severity: 'error', path, message: `expected ${expected}, got ${describe(value)}` })
  if (typeof kind === 'string') {
    const result = leaves[kind](value, (message) => complain({ severity: 'warning', path, message }))
    return result instanceof Misfit ? wrong(result.expected) : result
  }
  if ('oneOf' in kind) {
    if (value === '') return undefined
    return kind.oneOf.includes(value as string) ? value : wrong(`one of ${kind.oneOf.join(', ')}`)
  }
  if ('ignored' in kind) {
    complain({ severity: 'warning', path, message: `is ignored: ${kind.ignored}`, atKey: true })
    return value
  }
  if ('unsupported' in kind) {
    complain({ severity: 'unsupported', path, message: kind.unsupported, atKey: true })
    return value
  }
  if ('list' in kind) return readList(kind, value, path, complain, wrong)
  if ('map' in kind) return readMap(kind, value, path, complain, wrong)
  if ('pairs' in kind) return readPairs(kind.pairs, value, path, complain, wrong)
  return isMapping(value) ? readRecord(kind, value, path, complain) : wrong('a mapping')
}

type ListKind = Extract<Kind, { list: Kind }>
type MapKind = Extract<Kind, { map: Kind }>
type RecordKind = Extract<Kind, { record: unknown }>
type Wrong = (expected: string) => undefined

function readList(kind: ListKind, value: unknown, path: Path, complain: Complain, wrong: Wrong): unknown {
  const items = kind.single && (typeof value === 'string' || isMapping(value)) ? [value] : value
  if (!Array.isArray(items)) return wrong(kind.single ? 'a string or a list' : 'a list')
  const entries = items.flatMap((item: unknown, index) =>
    longForms(kind.short, item, [...path, index], complain).map((entry) =>
      normalize(kind.list, entry, [...path, index], complain),
    ),
  )
  const present = entries.filter((entry) => entry !== undefined)
  return present.length > 0 ? present : undefined
}

function longForms(short: ShortForm | undefined, item: unknown, path: Path, complain: Complain): readonly unknown[] {
  const form = short && listForms[short]
  if (!form || (typeof item !== 'string' && typeof item !== 'number')) return [item]
  try {
    return form(String(item))
  } catch (thrown) {
    if (!(thrown instanceof ShortFormError)) throw thrown
    complain({ severity: 'error', path, message: thrown.message })
    return []
  }
}

function readMap(kind: MapKind, value: unknown, path: Path, complain: Complain, wrong: Wrong): unknown {
  const { short } = kind
  const names = short !== undefined && Array.isArray(value) ? value : undefined
  if (!names && !isMapping(value)) return wrong(short === undefined ? 'a mapping' : 'a mapping or a list')
  const entries: [string, unknown][] = names
    ? names.map((name: unknown) => [String(name), short && nameForms[short]])
    : Object.entries(value as object)
  const present = entries.flatMap(([key, entry]): [string, unknown][] => {
    // `data:` with nothing behind it is an entry like any other, with every default.
    const result = entry === null && kind.nullable ? null : normalize(kind.map, entry ?? {}, [...path, key], complain)
    return result === undefined ? [] : [[key, result]]
  })
  return present.length > 0 ? Object.fromEntries(present) : undefined
}

function readPairs(form: 'text' | 'nullable', value: unknown, path: Path, complain: Complain, wrong: Wrong): unknown {
  if (!Array.isArray(value) && !isMapping(value)) return wrong('a mapping or a list of key=value')
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.map((item: unknown) => {
        const [, key = '', text] = /^([^=]*)(?:=(.*))?$/s.exec(scalarText(item) ?? '') ?? []
        return [key, text ?? null]
      })
    : Object.entries(value)
  const absent = form === 'nullable' ? null : ''
  const pairs = entries.flatMap(([key, entry]): [string, string | null][] => {
    const text = entry === null ? absent : scalarText(entry)
    if (text === undefined || /\s$/.test(key)) {
      const message =
        text === undefined ? `expected a plain value, got ${describe(entry)}` : `"${key}" ends with a space`
      complain({ severity: 'error', path: [...path, key], message })
      return []
    }
    return [[key, text]]
  })
  return pairs.length > 0 ? Object.fromEntries(pairs) : undefined
}

function readRecord(kind: RecordKind, value: Record<string, unknown>, path: Path, complain: Complain): unknown {
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(kind.record, key) || key.startsWith('x-')) continue
    const near = nearest(key, Object.keys(kind.record))
    const hint = near ? `; did you mean "${near}"?` : ''
    const message = `additional properties '${key}' not allowed${hint}`
    complain({ severity: 'error', path: [...path, key], message, atKey: true })
  }
  const result: Record<string, unknown> = {}
  for (const [key, entryKind] of Object.entries(kind.record)) {
    if (!Object.hasOwn(value, key)) continue
    const entry = value[key]
    if (entry === null && typeof entryKind === 'object' && 'record' in entryKind && entryKind.nullable) continue
    const canonical = normalize(entryKind, entry, [...path, key], complain)
    if (canonical !== undefined) result[key] = canonical
  }
  return result
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === 'number') return formatNumber(value)
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : undefined
}

function describe(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (isMapping(value)) return 'a mapping'
  const quoted = typeof value === 'number' || typeof value === 'boolean' ? ` (in quotes it would be a string)` : ''
  return `${JSON.stringify(value)}${quoted}`
}
