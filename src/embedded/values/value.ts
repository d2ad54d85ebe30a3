import { Deque } from './deque.ts'
import { SortedSet } from './sorted-set.ts'

/** What a key can hold, by the name that TYPE answers. */
export interface Values {
  string: string
  list: Deque
  hash: Map<string, string>
  set: Set<string>
  zset: SortedSet
}

export type Kind = keyof Values
export type Value = Values[Kind]

export function kindOf(value: Value): Kind {
  if (typeof value === 'string') return 'string'
  if (value instanceof Deque) return 'list'
  if (value instanceof Map) return 'hash'
  return value instanceof Set ? 'set' : 'zset'
}

const fresh: { readonly [K in Kind]: () => Values[K] } = {
  string: () => '',
  list: () => new Deque(),
  hash: () => new Map(),
  set: () => new Set(),
  zset: () => new SortedSet(),
}

export function createEmpty<K extends Kind>(kind: K): Values[K] {
  return fresh[kind]()
}

/** Whether the key goes with it: a collection without elements does not exist, an empty string does. */
export function isEmpty(value: Value): boolean {
  return typeof value !== 'string' && value.size === 0
}

/** A value of its own, for COPY. */
export function copyOf(value: Value): Value {
  if (typeof value === 'string') return value
  if (value instanceof Deque) return Deque.from(value.slice())
  if (value instanceof Map) return new Map(value)
  return value instanceof Set ? new Set(value) : SortedSet.from(value.slice())
}
