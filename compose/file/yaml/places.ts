import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, visit, type YAMLMap } from 'yaml'
import type { Path } from '../complaint.ts'

/** A place in a file. */
export interface Position {
  /** From 1. */
  readonly line: number
  readonly column: number
}

/** Finds where a path stands in a document, through aliases and merge keys, as far as it leads. */
export function placesIn(root: Node | null): (path: Path, atKey: boolean) => { offset: number; depth: number } {
  const pairs = new WeakMap<YAMLMap, Map<string, Pair>>()
  return follow

  function follow(path: Path, atKey: boolean): { offset: number; depth: number } {
    let offset = 0
    let node: unknown = root
    for (const [depth, step] of path.entries()) {
      const found = childOf(resolved(node), step)
      if (!found) return { offset, depth }
      node = found.value
      const atValue = depth === path.length - 1 && !atKey
      offset = (atValue ? startOf(found.value) : undefined) ?? found.offset ?? offset
    }
    return { offset, depth: path.length }
  }

  function childOf(node: unknown, step: string | number): Found | undefined {
    // A single entry may stand for the list of it.
    if (isScalar(node) && step === 0) return { value: node, offset: startOf(node) }
    if (isSeq(node)) {
      // A map may be written as a list of its keys.
      const isMeant = (item: unknown, index: number) =>
        String(index) === String(step) || (isScalar(item) && String(item.value).split('=', 1)[0] === step)
      const value = node.items.find(isMeant)
      return value === undefined ? undefined : { value, offset: startOf(value) }
    }
    if (!isMap(node)) return undefined
    const pair = pairsOf(node).get(String(step))
    if (pair) return { value: pair.value, offset: startOf(pair.key) }
    const merged = resolved(pairsOf(node).get('<<')?.value)
    for (const source of isSeq(merged) ? merged.items : [merged]) {
      const found = childOf(resolved(source), step)
      if (found) return found
    }
    return undefined
  }

  function pairsOf(map: YAMLMap): Map<string, Pair> {
    const known = pairs.get(map)
    if (known) return known
    const made = new Map(
      map.items.flatMap((pair): [string, Pair][] =>
        isScalar(pair.key) ? [[pair.key.source === '<<' ? '<<' : String(pair.key.value), pair]] : [],
      ),
    )
    pairs.set(map, made)
    return made
  }

  function resolved(node: unknown): unknown {
    if (!isAlias(node)) return node
    let target: unknown
    visit(root as Node, {
      Node(_, candidate) {
        if ('anchor' in candidate && candidate.anchor === node.source) target = candidate
        // The last anchor of that name before the alias is the one meant.
        return candidate === node ? visit.BREAK : undefined
      },
    })
    return target
  }
}

interface Found {
  readonly value: unknown
  readonly offset: number | undefined
}

function startOf(node: unknown): number | undefined {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
    ? Number(node.range[0])
    : undefined
}
