import type { Complain, Path } from './normalize.ts'
import type { Canonical, Kind } from './schema.ts'

/** Fills in defaults and reports what is missing, once all files are merged. */
export function complete<const K extends Kind>(kind: K, value: unknown, path: Path, complain: Complain): Canonical<K> {
  return fill(kind, value, path, complain) as Canonical<K>
}

/** What misses something required is left out, so that the rest can still be judged. */
function fill(kind: Kind, value: unknown, path: Path, complain: Complain): unknown {
  if (typeof kind === 'string' || value === null || value === undefined) return value
  if ('list' in kind) {
    const entries = (value as unknown[]).map((entry, index) => fill(kind.list, entry, [...path, index], complain))
    return entries.filter((entry) => entry !== undefined)
  }
  if ('map' in kind) {
    return mapValues(value as object, (entry, key) => fill(kind.map, entry, [...path, key], complain))
  }
  if (!('record' in kind)) return value
  const given = { ...kind.defaults, ...(value as object) }
  const missing = (kind.required ?? []).filter((key) => !(key in given))
  for (const key of missing) complain({ severity: 'error', path, message: `missing property '${key}'` })
  if (missing.length > 0) return undefined
  return mapValues(given, (entry, key) => fill(kind.record[key] ?? 'any', entry, [...path, key], complain))
}

function mapValues(object: object, change: (value: unknown, key: string) => unknown): object {
  const entries = Object.entries(object).map(([key, value]) => [key, change(value, key)])
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}
