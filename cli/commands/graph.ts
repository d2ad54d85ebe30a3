import { type Celery, maskUrl } from '../../src/index.ts'
import { withApp } from '../app.ts'
import { defineCommand } from '../command.ts'
import { CliError } from '../errors.ts'
import { ask, remoteOptions } from '../remote/ask.ts'
import { type WorkerNode, workersDot } from '../remote/workers-dot.ts'

interface DotEvent {
  readonly type: 'dot'
  readonly dot: string
}

export const command = defineCommand({
  arguments: [['<what>', 'workers']],
  options: remoteOptions,
  examples: ['celery-sandbox graph workers', 'celery-sandbox graph workers | dot -Tsvg > workers.svg'],

  async *run(context, options, [what]): AsyncIterable<DotEvent> {
    if (what !== 'workers') {
      throw new CliError('USAGE', `nobody can draw ${what}; there is: workers (of a task: celery-sandbox trace --dot)`)
    }
    yield* withApp(context, options, async function* (app): AsyncIterable<DotEvent> {
      const workers: WorkerNode[] = []
      const served = await app.control.inspect({ timeout: options.timeout ?? 1 }).activeQueues()
      for await (const { node, reply } of ask(app, context, options, ['stats', {}])) {
        workers.push(workerNode(node, reply, served[node] ?? []))
      }
      yield { type: 'dot', dot: drawn(app, workers) }
    })
  },

  text: ({ dot }) => dot,
})

function drawn({ conf: { brokerUrl, resultBackend } }: Celery, workers: readonly WorkerNode[]): string {
  const sorted = workers.toSorted((a, b) => a.node.localeCompare(b.node))
  return workersDot({ broker: maskUrl(brokerUrl), backend: resultBackend && maskUrl(resultBackend), workers: sorted })
}

function workerNode(node: string, reply: unknown, queues: readonly { name: string }[]): WorkerNode {
  const { pool = {} } = (reply ?? {}) as { pool?: { implementation?: string; 'max-concurrency'?: number } }
  const { implementation = '?', 'max-concurrency': concurrency = 0 } = pool
  return {
    node,
    pool: implementation.split(/[.:]/).at(-1) ?? implementation,
    concurrency: Number(concurrency) || 0,
    queues: queues.map(({ name }) => name),
  }
}
