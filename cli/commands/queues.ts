import type { Celery } from '../../src/index.ts'
import { withApp } from '../app.ts'
import { appOption, defineCommand, names, seconds } from '../command.ts'
import { sanitize } from '../output/sanitize.ts'
import { stackOptions } from '../project.ts'
import { namesOf, type QueueStatus, queueStatus } from '../remote/queue-status.ts'

interface QueuesEvent {
  readonly type: 'queues'
  readonly queues: readonly QueueStatus[]
}

export const command = defineCommand({
  options: {
    app: appOption,
    queues: names('-Q, --queues <names>', 'also these (default: what the app declares and workers serve)'),
    timeout: seconds('-t, --timeout <seconds>', 'how long to wait for workers (default: 1)'),
    ...stackOptions,
  },
  examples: ['celery-sandbox queues', 'celery-sandbox queues -Q old --json'],

  run: (context, options) =>
    withApp(context, options, async function* (app): AsyncIterable<QueuesEvent> {
      const declared = [...app.queues.defaults.map(({ name }) => name), ...(options.queues ?? [])]
      yield { type: 'queues', queues: await look(app, declared, options.timeout ?? 1, context.signal) }
    }),

  text({ queues }, paint) {
    const rows = [['QUEUE', 'DEPTH', 'UNACKED', 'CONSUMERS', 'WORKERS'], ...queues.map(row)]
    const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((cells) => cells[i]?.length ?? 0)))
    const line = (cells: readonly string[]) =>
      cells
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd()
    const [head = [], ...others] = rows
    const shown = others.map((cells, i) => (queues[i]?.workers.length === 0 ? paint.warn(line(cells)) : line(cells)))
    return [paint.dim(line(head)), ...shown].join('\n')
  },
})

const row = ({ name, depth, unacked, workers }: QueueStatus): string[] => [
  ...[sanitize(name), String(depth), String(unacked), String(workers.length)],
  workers.length === 0 ? 'nobody consumes it' : sanitize(workers.join(', ')),
]

async function look(
  app: Celery,
  declared: readonly string[],
  timeout: number,
  signal: AbortSignal,
): Promise<QueueStatus[]> {
  const inspect = app.control.inspect({ timeout, signal })
  const [queues, active, reserved, scheduled] = await Promise.all([
    inspect.activeQueues(),
    inspect.active(),
    inspect.reserved(),
    inspect.scheduled(),
  ])
  signal.throwIfAborted()
  const transport = await app.transport()
  const depths = namesOf(declared, queues).map(async (name) => [name, await transport.size(name)] as const)
  return queueStatus(declared, { queues, active, reserved, scheduled }, new Map(await Promise.all(depths)))
}
