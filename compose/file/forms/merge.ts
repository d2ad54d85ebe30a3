import type { Path } from '../complaint.ts'
import type { Identity, Kind } from './kinds.ts'

type Tree = Readonly<Record<string, unknown>>

/** Lays a later canonical value over an earlier one, by Compose's rules for several files. */
export function merge(kind: Kind, base: unknown, over: unknown): unknown {
  if (base === undefined || base === null) return over
  if (over === undefined || over === null) return base
  // The plain values that add up.
  if (kind === 'hosts' || kind === 'ssh') return [...new Set([...(base as string[]), ...(over as string[])])].sort()
  if (typeof kind === 'string') return over
  if ('list' in kind) return mergeLists(kind.identity, base as unknown[], over as unknown[])
  if ('map' in kind) return mergeTrees(base as Tree, over as Tree, () => kind.map)
  if ('pairs' in kind) return { ...(base as Tree), ...(over as Tree) }
  if ('record' in kind) return mergeRecords(kind, base as Tree, over as Tree)
  return over
}

function mergeRecords(kind: Extract<Kind, { record: unknown }>, base: Tree, over: Tree): Tree {
  const { mergedBy } = kind
  const differ = mergedBy && mergedBy in base && mergedBy in over && base[mergedBy] !== over[mergedBy]
  return differ ? over : mergeTrees(base, over, (key) => kind.record[key] ?? 'any')
}

function mergeTrees(base: Tree, over: Tree, kindOf: (key: string) => Kind): Tree {
  const merged = Object.entries(over).map(([key, value]) => [key, merge(kindOf(key), base[key], value)])
  return { ...base, ...Object.fromEntries(merged) }
}

function mergeLists(identity: Identity | undefined, base: readonly unknown[], over: readonly unknown[]): unknown[] {
  if (!identity) return [...base, ...over]
  const entries = new Map<string, unknown>()
  for (const entry of [...base, ...over]) {
    const name = identities[identity](entry)
    // Address pools of one subnet are laid over each other.
    entries.set(name, identity === 'subnet' ? { ...(entries.get(name) as Tree), ...(entry as Tree) } : entry)
  }
  return [...entries.values()]
}

const identities: Readonly<Record<Identity, (entry: unknown) => string>> = {
  value: (entry) => String(entry).replace(/=.*$/s, ''),
  target: (entry) => String((entry as Tree).target),
  path: (entry) => String((entry as Tree).path),
  subnet: (entry) => String((entry as Tree).subnet),
  secret: (entry) => String((entry as Tree).target ?? `/run/secrets/${(entry as Tree).source}`),
  config: (entry) => String((entry as Tree).target ?? `/${(entry as Tree).source}`),
  port(entry) {
    const { host_ip = '0.0.0.0', published, target, protocol = 'tcp' } = entry as Tree
    return `${host_ip}:${published}:${target}/${protocol}`
  },
}

/** Takes out of a canonical value what a later file resets or overrides. */
export function without(value: unknown, paths: readonly Path[]): unknown {
  return paths.reduce((tree, path) => dropAt(tree, path), value)
}

function dropAt(value: unknown, [step, ...rest]: Path): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || step === undefined) return value
  const { [step]: child, ...others } = value as Record<string | number, unknown>
  if (rest.length === 0) return others
  return child === undefined ? value : { ...(value as Tree), [step]: dropAt(child, rest) }
}
