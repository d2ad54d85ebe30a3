import type { Kind } from './forms/kinds.ts'

/** JSON as Go writes it: records in the order of their struct, map keys sorted, `<`, `>` and `&` escaped. */
export function goJson(kind: Kind, value: unknown): string {
  if (value === null || typeof value !== 'object' || typeof kind === 'string') return goText(value)
  if (Array.isArray(value)) {
    return `[${value.map((entry) => goJson('list' in kind ? kind.list : 'any', entry)).join(',')}]`
  }
  const members = membersOf(kind, value).map(
    ([key, member, memberKind]) => `${goText(nameInJson(kind, key))}:${goJson(memberKind, member)}`,
  )
  return `{${members.join(',')}}`
}

/** What Compose prints as YAML: as the JSON, without what is there only because Go has no absent structs. */
export function yamlData(kind: Kind, value: unknown): unknown {
  if (kind === 'limit' && typeof value === 'object') return { soft: 0, hard: 0, ...value }
  if (value === null || typeof value !== 'object' || typeof kind === 'string') return value
  if (Array.isArray(value)) return value.map((entry) => yamlData('list' in kind ? kind.list : 'any', entry))
  const members = membersOf(kind, value).flatMap(([key, member, memberKind]): [string, unknown][] => {
    const shown = yamlData(memberKind, member)
    const isFiller = 'record' in kind && key in (kind.defaults ?? {}) && (shown === null || isEmpty(shown))
    return isFiller ? [] : [[key, shown]]
  })
  return Object.fromEntries(members)
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
}

function nameInJson(kind: Kind, key: string): string {
  return (typeof kind === 'object' && 'record' in kind && kind.inJson?.[key]) || key
}

function membersOf(kind: Exclude<Kind, string>, value: object): [string, unknown, Kind][] {
  const [keys, kindOf]: [string[], (key: string) => Kind] =
    'record' in kind
      ? [Object.keys(kind.record), (key) => kind.record[key] ?? 'any']
      : [Object.keys(value).sort(), () => ('map' in kind ? kind.map : 'any')]
  return keys.flatMap((key) => {
    const member = (value as Record<string, unknown>)[key]
    return member === undefined ? [] : [[key, member, kindOf(key)]]
  })
}

function goText(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
