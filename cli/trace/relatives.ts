import { type Celery, type GraphNode, graphOf, ResultGraph } from '../../src/index.ts'
import type { Paint } from '../output/paint.ts'
import { sanitize } from '../output/sanitize.ts'

/** A task among its relatives, as far as results tell. */
export interface GraphEvent {
  readonly type: 'graph'
  readonly id: string
  readonly nodes: readonly GraphNode[]
  readonly edges: ResultGraph['edges']
}

/** The tree from the first of its ancestors that is known. @param parentId who called it, as its message says */
export async function relativesOf(app: Celery, id: string, parentId: string | null): Promise<GraphEvent> {
  const line = [id]
  for (
    let next = parentId ?? (await parentOf(app, id));
    next && !line.includes(next);
    next = await parentOf(app, next)
  ) {
    line.unshift(next)
  }
  const nodes = new Map<string, GraphNode>()
  const edges = new Map<string, readonly [string, string]>()
  for (const [at, ancestor] of line.entries()) {
    if (nodes.has(ancestor)) continue
    const graph = await graphOf(app.asyncResult(ancestor))
    for (const [key, node] of graph.nodes) nodes.set(key, node)
    // An ancestor whose result is gone says no more whom it called.
    const known = at === 0 ? [] : [[line[at - 1] ?? '', ancestor] as const]
    for (const edge of [...graph.edges, ...known]) edges.set(edge.join('>'), edge)
  }
  return { type: 'graph', id, nodes: [...nodes.values()], edges: [...edges.values()] }
}

async function parentOf(app: Celery, id: string): Promise<string | undefined> {
  return (await app.asyncResult(id).meta())?.parent_id
}

const graphFrom = ({ nodes, edges }: GraphEvent): ResultGraph =>
  new ResultGraph(new Map(nodes.map((node) => [node.id, node])), edges)

/** The tree, with the task marked; nothing of a task that stands alone. */
export function graphText(event: GraphEvent, paint: Paint): string | undefined {
  if (event.nodes.length < 2) return undefined
  const lines = sanitize(String(graphFrom(event))).split('\n')
  const marked = lines.map((line) => (line.includes(event.id) ? paint.strong(`${line}  ← this one`) : line))
  return ['', ...marked.map((line) => `  ${line}`)].join('\n')
}

/** For Graphviz. */
export const graphDot = (event: GraphEvent): string => sanitize(graphFrom(event).toDot()).trimEnd()
