import type { Canonical, Kind } from './kinds.ts'
import { normalize, type Place } from './normalize.ts'

/** Fills in defaults and reports what is missing, once all files of a directory are merged. */
export function complete<const K extends Kind>(kind: K, value: unknown, place: Place): Canonical<K> {
  return fill(kind, value, place) as Canonical<K>
}

/** What misses something required is left out, so that the rest can still be judged. */
function fill(kind: Kind, value: unknown, place: Place): unknown {
  if (typeof kind === 'string' || value === null || value === undefined) return value
  const { path } = place
  if ('list' in kind) {
    const entries = (value as unknown[]).map((entry, index) =>
      fill(kind.list, entry, { ...place, path: [...path, index] }),
    )
    return entries.filter((entry) => entry !== undefined)
  }
  if ('map' in kind) {
    return mapValues(value as object, (entry, key) => fill(kind.map, entry, { ...place, path: [...path, key] }))
  }
  if (!('record' in kind)) return value
  const given = { ...defaultsOf(kind, value as object, place), ...(value as object) }
  const missing = (kind.required ?? []).filter((key) => !(key in given))
  for (const key of missing) place.complain({ severity: 'error', path, message: `missing property '${key}'` })
  if (missing.length > 0) return undefined
  return mapValues(given, (entry, key) => fill(kind.record[key] ?? 'any', entry, { ...place, path: [...path, key] }))
}

function defaultsOf(kind: Extract<Kind, { record: unknown }>, given: object, place: Place): object {
  const { defaults = {}, unless = {}, record } = kind
  const needed = Object.entries(defaults).filter(([key]) => !(key in given) && !((unless[key] ?? '') in given))
  return Object.fromEntries(needed.map(([key, value]) => [key, normalize(record[key] ?? 'any', value, place)]))
}

function mapValues(object: object, change: (value: unknown, key: string) => unknown): object {
  const entries = Object.entries(object).map(([key, value]) => [key, change(value, key)])
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}
