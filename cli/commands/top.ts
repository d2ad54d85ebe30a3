import type { ContainerProcesses } from '../../compose/index.ts'
import { defineCommand } from '../command.ts'
import { sanitize } from '../output/sanitize.ts'
import { table } from '../output/table.ts'
import { openProjectStack, stackOptions } from '../project.ts'
import { servicesArgument } from '../stack-verb.ts'

type TopEvent = { type: 'processes' } & ContainerProcesses

export const command = defineCommand({
  arguments: servicesArgument,
  options: stackOptions,
  examples: ['celery-sandbox top', 'celery-sandbox top worker --json'],

  async *run(context, options, services): AsyncIterable<TopEvent> {
    const stack = await openProjectStack(context, options)
    try {
      for (const processes of await stack.top(services)) yield { type: 'processes', ...processes }
    } finally {
      await stack.close()
    }
  },

  text({ container, titles, processes }, paint) {
    const rows = processes.map((row) => row.map(sanitize))
    return `${paint.name(sanitize(container))}\n${table([titles.map(paint.dim), ...rows])}\n`
  },
})
