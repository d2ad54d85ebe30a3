import { sanitize } from '../output/sanitize.ts'

/** What a graph shows of one worker. */
export interface WorkerNode {
  readonly node: string
  /** `async`, `prefork` … */
  readonly pool: string
  readonly concurrency: number
  readonly queues: readonly string[]
}

export interface ClusterNodes {
  /** Addresses without secrets. */
  readonly broker: string
  readonly backend: string | null
  readonly workers: readonly WorkerNode[]
}

/** Workers, the queues that they serve, their broker and where their results go, for Graphviz. */
export function workersDot({ broker, backend, workers }: ClusterNodes): string {
  const queues = [...new Set(workers.flatMap((worker) => worker.queues))].sort()
  return [
    'digraph workers {',
    '  node [style=filled, fillcolor=white];',
    node(broker, broker, 'shape=circle, fillcolor=cadetblue3'),
    ...(backend === null ? [] : [node(`results ${backend}`, backend, 'shape=folder, fillcolor=peachpuff3')]),
    ...queues.flatMap((queue) => [node(`queue ${queue}`, queue, 'shape=cds'), edge(broker, `queue ${queue}`)]),
    ...workers.flatMap((worker) => [
      node(worker.node, `${worker.node}\n${worker.pool}, ${worker.concurrency} at a time`, 'shape=box'),
      ...worker.queues.map((queue) => edge(`queue ${queue}`, worker.node)),
      ...(backend === null ? [] : [edge(worker.node, `results ${backend}`)]),
    ]),
    '}',
  ].join('\n')
}

const node = (id: string, label: string, look: string) => `  ${quoted(id)} [label=${quoted(label)}, ${look}];`

const edge = (from: string, to: string) => `  ${quoted(from)} -> ${quoted(to)};`

const quoted = (text: string) => `"${sanitize(text).replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`
