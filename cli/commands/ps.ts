import type { ContainerStatus } from '../../compose/index.ts'
import { defineCommand } from '../command.ts'
import type { Paint } from '../output/paint.ts'
import { sanitize } from '../output/sanitize.ts'
import { table } from '../output/table.ts'
import { openProjectStack, stackOptions } from '../project.ts'

interface PsEvent {
  type: 'containers'
  project: string
  engine: string
  containers: readonly ContainerStatus[]
}

export const command = defineCommand({
  options: stackOptions,
  examples: ['celery-sandbox ps', 'celery-sandbox ps --json'],

  async *run(context, options): AsyncIterable<PsEvent> {
    const stack = await openProjectStack(context, options)
    try {
      const containers = await stack.ps()
      yield { type: 'containers', project: stack.project.name, engine: stack.engine.kind, containers }
    } finally {
      await stack.close()
    }
  },

  text({ project, engine, containers }, paint) {
    if (containers.length === 0) return `Nothing of ${sanitize(project)} is there (${engine} engine).`
    const rows = containers.map((container) => [
      paint.name(sanitize(container.name)),
      sanitize(container.service),
      stateText(container, paint),
      portsText(container),
    ])
    return table([['NAME', 'SERVICE', 'STATE', 'PORTS'].map(paint.dim), ...rows])
  },
})

function stateText({ state, health, exitCode }: ContainerStatus, paint: Paint): string {
  if (state !== 'running') return paint.bad(exitCode === undefined ? state : `${state} (${exitCode})`)
  if (health === 'none') return paint.good('running')
  return health === 'healthy' ? paint.good('healthy') : paint.warn(health)
}

function portsText({ ports }: ContainerStatus): string {
  return ports.map(({ host, port, target }) => `${host}:${port}->${target}`).join(', ')
}
