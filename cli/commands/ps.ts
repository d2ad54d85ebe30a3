import type { ContainerStatus, RunState } from '../../compose/index.ts'
import { defineCommand, flag, type Option } from '../command.ts'
import { CliError } from '../errors.ts'
import type { Paint } from '../output/paint.ts'
import { sanitize } from '../output/sanitize.ts'
import { table } from '../output/table.ts'
import { openProjectStack, stackOptions } from '../project.ts'
import { servicesArgument } from '../stack-verb.ts'

type PsEvent =
  | { type: 'containers'; project: string; engine: string; containers: readonly ContainerStatus[] }
  /** With --quiet or --services. */
  | { type: 'name'; name: string }

export const command = defineCommand({
  arguments: servicesArgument,
  options: {
    all: flag('-a, --all', 'one-off runs that have ended too'),
    quiet: flag('-q, --quiet', 'only the ids of containers'),
    services: flag('--services', 'only the names of services'),
    filter: filters('--filter <status=state>', 'only containers in this state; may be repeated'),
    ...stackOptions,
  },
  examples: [
    'celery-sandbox ps',
    'celery-sandbox ps --filter status=exited',
    'docker logs $(celery-sandbox ps -q worker)',
    'celery-sandbox ps --json',
  ],

  async *run(context, options, services): AsyncIterable<PsEvent> {
    const stack = await openProjectStack(context, options)
    try {
      const all = await stack.ps()
      refuseUnknown(services, all)
      const containers = all.filter((container) => isMeant(container, options, services))
      if (options.quiet) yield* containers.map(({ id }) => named(id))
      else if (options.services) yield* [...new Set(containers.map(({ service }) => service))].map(named)
      else yield { type: 'containers', project: stack.project.name, engine: stack.engine.kind, containers }
    } finally {
      await stack.close()
    }
  },

  text(event, paint) {
    if (event.type === 'name') return sanitize(event.name)
    const { project, engine, containers } = event
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

const named = (name: string): PsEvent => ({ type: 'name', name })

const states: readonly RunState[] = ['created', 'running', 'restarting', 'paused', 'exited', 'dead', 'removing']

function filters(flags: string, meaning: string): Option<readonly RunState[] | undefined> {
  const parse = (given: string, before: readonly RunState[] = []) => {
    const state = states.find((candidate) => given === `status=${candidate}`)
    if (state) return [...before, state]
    throw new RangeError(`it must be status=…, of ${states.join(', ')}`)
  }
  return { flags, meaning, parse: parse as NonNullable<Option<readonly RunState[] | undefined>['parse']> }
}

interface PsChoice {
  readonly all: boolean
  readonly filter: readonly RunState[] | undefined
}

function isMeant({ service, state, oneOff }: ContainerStatus, choice: PsChoice, services: readonly string[]): boolean {
  if (services.length > 0 && !services.includes(service)) return false
  if (oneOff && !choice.all && state !== 'running') return false
  return !choice.filter || choice.filter.includes(state)
}

function refuseUnknown(services: readonly string[], containers: readonly ContainerStatus[]): void {
  const unknown = services.find((name) => !containers.some(({ service }) => service === name))
  if (unknown === undefined) return
  throw new CliError('SERVICE_UNKNOWN', `nothing of a service "${unknown}" is there`)
}

function stateText({ state, health, exitCode, oneOff }: ContainerStatus, paint: Paint): string {
  const run = oneOff ? ' (run)' : ''
  if (state !== 'running') return paint.bad(exitCode === undefined ? state : `${state} (${exitCode})`) + run
  if (health === 'none') return paint.good('running') + run
  return (health === 'healthy' ? paint.good('healthy') : paint.warn(health)) + run
}

function portsText({ ports }: ContainerStatus): string {
  return ports
    .map(({ host, port, target, protocol }) => `${host}:${port}->${target}${protocol === 'tcp' ? '' : `/${protocol}`}`)
    .join(', ')
}
