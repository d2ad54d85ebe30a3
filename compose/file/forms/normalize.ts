import { type Complain, describe, type Path } from '../complaint.ts'
import type { Kind, ShortForm } from './kinds.ts'
import { absolutePath, isMapping, leaves, Misfit, scalarText } from './leaves.ts'
import { entryForms, listForms, nameForms, ShortFormError } from './short-forms.ts'

/** Where a value stands, and what becomes of mistakes. */
export interface Place {
  readonly path: Path
  /** Absolute; relative paths in the value count from here. */
  readonly directory: string
  readonly complain: Complain
}

/**
 * Brings a value that the schema accepted into the canonical form of its kind: short forms written out, numbers and
 * durations as Compose prints them, paths absolute, empty values left out. Undefined means absent.
 */
export function normalize(kind: Kind, value: unknown, place: Place): unknown {
  if (value === undefined) return undefined
  if (typeof kind === 'string') return readLeaf(kind, value, place)
  if ('oneOf' in kind) return value
  if ('list' in kind) return readList(kind, value, place)
  if ('map' in kind) return readMap(kind, value, place)
  if ('pairs' in kind) return readPairs(kind.pairs, value, place)
  return readRecord(kind, value, place)
}

type ListKind = Extract<Kind, { list: Kind }>
type MapKind = Extract<Kind, { map: Kind }>
type RecordKind = Extract<Kind, { record: unknown }>

const at = (place: Place, step: string | number): Place => ({ ...place, path: [...place.path, step] })

function readLeaf(kind: keyof typeof leaves, value: unknown, { path, directory, complain }: Place): unknown {
  const warn = (message: string) => complain({ severity: 'warning', path, message })
  const result = leaves[kind](value, { directory, warn })
  if (!(result instanceof Misfit)) return result
  const message = `expected ${result.expected}, got ${describe(value, path)}`
  return void complain({ severity: 'error', path, message })
}

function readList(kind: ListKind, value: unknown, place: Place): unknown {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value]
  const entries = items.flatMap((item, index) =>
    longForms(kind.short, item, at(place, index)).map((entry) => normalize(kind.list, entry, at(place, index))),
  )
  const present = entries.filter((entry) => entry !== undefined)
  return present.length > 0 ? present : undefined
}

function longForms(short: ShortForm | undefined, item: unknown, { path, complain }: Place): readonly unknown[] {
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

function readMap(kind: MapKind, value: unknown, place: Place): unknown {
  const { short, nullable } = kind
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.map((name: unknown) => [String(name), short && nameForms[short]])
    : Object.entries(value as object)
  const present = entries.flatMap(([key, entry]): [string, unknown][] => {
    if (entry === null && nullable) return [[key, null]]
    // `data:` with nothing behind it is an entry like any other, with every default.
    const result = normalize(kind.map, entry === null ? {} : entry, at(place, key))
    return result === undefined ? [] : [[key, result]]
  })
  return present.length > 0 ? Object.fromEntries(present) : undefined
}

function readPairs(form: 'text' | 'nullable' | 'context', value: unknown, place: Place): unknown {
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.map((item: unknown) => {
        const [, key = '', text] = /^([^=]*)(?:=(.*))?$/s.exec(scalarText(item)) ?? []
        return [key, text ?? null]
      })
    : Object.entries(value as object)
  const pairs = entries.flatMap(([key, entry]): [string, unknown][] => {
    if (entry === undefined) return []
    if (/\s$/.test(key)) {
      const message = `"${key}" ends with a space`
      place.complain({ severity: 'error', path: at(place, key).path, message })
      return []
    }
    if (entry === null) return [[key, form === 'nullable' ? null : '']]
    return [[key, form === 'context' ? readLeaf('context', entry, at(place, key)) : scalarText(entry)]]
  })
  return pairs.length > 0 ? Object.fromEntries(pairs) : undefined
}

function readRecord(kind: RecordKind, value: unknown, place: Place): unknown {
  if (value === null) return undefined
  const long = (kind.short && entryForms[kind.short]?.(value)) ?? value
  if (!isMapping(long)) return undefined
  const result: Record<string, unknown> = {}
  for (const [key, entryKind] of Object.entries(kind.record)) {
    if (!Object.hasOwn(long, key)) continue
    const canonical = normalize(entryKind, long[key], at(place, key))
    if (canonical !== undefined) result[key] = canonical
  }
  return kind.place ? placed[kind.place](result, (path) => absolutePath(path, place.directory)) : result
}

type Tree = Readonly<Record<string, unknown>>

const placed: Readonly<Record<'mount' | 'volume', (record: Tree, absolute: (path: string) => string) => Tree>> = {
  mount: (mount, absolute) =>
    mount.type === 'bind' && typeof mount.source === 'string' ? { ...mount, source: absolute(mount.source) } : mount,
  volume(volume, absolute) {
    const { o, device } = (volume.driver_opts ?? {}) as Readonly<Record<string, string>>
    if (volume.driver !== 'local' || o !== 'bind' || device === undefined) return volume
    return { ...volume, driver_opts: { ...(volume.driver_opts as Tree), device: absolute(device) } }
  },
}
