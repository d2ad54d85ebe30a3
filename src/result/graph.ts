import type { State } from '../protocol/states.ts'
import { AsyncResult } from './async-result.ts'
import { GroupResult } from './group-result.ts'
import type { Result } from './result.ts'

export interface GraphNode {
  readonly id: string
  /** The task's name where results keep it (resultExtended), `group of 3`, or nothing. */
  readonly name: string | undefined
  /** Of a task; undefined of a group. */
  readonly state: State | undefined
}

/**
 * A result, what led to it and what it led to, as far as that is known now: Celery's `result.graph`.
 *
 * @example
 * const result = await chain(add.s(2, 2), mul.s(8)).delay()
 * console.log(String(await graphOf(result)))   // a tree, for people
 * writeFileSync('graph.dot', (await graphOf(result)).toDot())
 */
export class ResultGraph {
  readonly nodes: ReadonlyMap<string, GraphNode>
  /** From what was first to what it led to. */
  readonly edges: readonly (readonly [from: string, to: string])[]

  constructor(nodes: ReadonlyMap<string, GraphNode>, edges: readonly (readonly [from: string, to: string])[]) {
    this.nodes = nodes
    this.edges = edges
  }

  /** For Graphviz: `dot -Tsvg`. */
  toDot(): string {
    const nodes = [...this.nodes.values()].map((node) => `  ${quoted(node.id)} [label=${quoted(labelOf(node, '\n'))}];`)
    const edges = this.edges.map(([from, to]) => `  ${quoted(from)} -> ${quoted(to)};`)
    return ['digraph results {', '  node [shape=box];', ...nodes, ...edges, '}', ''].join('\n')
  }

  /** A tree; what has several ways to it is shown at the first. */
  toString(): string {
    const led = new Set(this.edges.map(([, to]) => to))
    const seen = new Set<string>()
    const roots = [...this.nodes.keys()].filter((id) => !led.has(id))
    return roots.flatMap((id) => this.#lines(id, seen)).join('\n')
  }

  #lines(id: string, seen: Set<string>): string[] {
    const node = this.nodes.get(id)
    if (!node || seen.has(id)) return []
    seen.add(id)
    const branches = this.edges
      .filter(([from]) => from === id)
      .map(([, to]) => this.#lines(to, seen))
      .filter((lines) => lines.length > 0)
    return [labelOf(node, ' '), ...branches.flatMap((lines, at) => branch(lines, at === branches.length - 1))]
  }
}

function branch([first = '', ...others]: string[], isLast: boolean): string[] {
  return [`${isLast ? '└─' : '├─'} ${first}`, ...others.map((line) => `${isLast ? '  ' : '│ '} ${line}`)]
}

const labelOf = ({ name, id, state }: GraphNode, separator: string): string =>
  [name, id, state].filter((part) => part !== undefined).join(separator)

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`

/** Asks the backend how far a result, its ancestors and its descendants have come. */
export async function graphOf(result: Result): Promise<ResultGraph> {
  const nodes = new Map<string, GraphNode>()
  const edges = new Map<string, readonly [string, string]>()
  const found: Result[] = [result]
  const link = (from: Result, to: Result) => {
    const edge = [from.id, to.id] as const
    edges.set(edge.join('>'), edge)
    found.push(from, to)
  }
  for (const next of found) {
    if (nodes.has(next.id)) continue
    nodes.set(next.id, await nodeOf(next))
    if (next.parent) link(next.parent, next)
    for (const child of await next.children()) link(next, child)
  }
  return new ResultGraph(nodes, [...edges.values()])
}

async function nodeOf(result: Result): Promise<GraphNode> {
  const { id } = result
  if (result instanceof GroupResult) return { id, name: `group of ${result.results.length}`, state: undefined }
  if (!(result instanceof AsyncResult)) return { id, name: undefined, state: undefined }
  return { id, name: await result.name(), state: await result.state() }
}
