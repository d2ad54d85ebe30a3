import type { ContainerStats, Stack } from '../../compose/index.ts'
import { defineCommand, flag } from '../command.ts'
import type { Context } from '../context.ts'
import type { Paint } from '../output/paint.ts'
import { Redraw } from '../output/redraw.ts'
import { sanitize } from '../output/sanitize.ts'
import { table } from '../output/table.ts'
import { openProjectStack, stackOptions } from '../project.ts'
import { servicesArgument } from '../stack-verb.ts'

type StatsEvent =
  | ({ readonly type: 'sample' } & ContainerStats)
  /** All that run, once a second. */
  | { readonly type: 'stats'; readonly containers: readonly ContainerStats[] }

export const command = defineCommand({
  arguments: servicesArgument,
  options: {
    noStream: flag('--no-stream', 'only once, instead of every second'),
    ...stackOptions,
  },
  examples: ['celery-sandbox stats', 'celery-sandbox stats worker --no-stream', 'celery-sandbox stats --json'],

  async *run(context, options, services): AsyncIterable<StatsEvent> {
    const stack = await openProjectStack(context, options)
    try {
      const samples = stack.stats({ services, signal: context.signal })
      if (options.noStream) yield* onceOf(samples, await runningIn(stack, services), context)
      else if (context.mode === 'json') for await (const sample of samples) yield { type: 'sample', ...sample }
      else yield* everySecond(samples)
    } finally {
      await stack.close()
    }
  },

  text: statsText,

  async screen(events, context) {
    const place = new Redraw(context.stdout)
    for (;;) {
      const next = await events.next()
      if (next.done) return next
      place.show(statsText(next.value, context.paint))
    }
  },
})

async function runningIn(stack: Stack, services: readonly string[]): Promise<number> {
  const containers = await stack.ps()
  const isMeant = (service: string) => services.length === 0 || services.includes(service)
  return containers.filter(({ service, state, oneOff }) => state === 'running' && !oneOff && isMeant(service)).length
}

/** The second sample of each: the first one knows of no time in which processors were used. */
async function* onceOf(
  samples: AsyncIterable<ContainerStats>,
  count: number,
  { mode }: Context,
): AsyncIterable<StatsEvent> {
  const settled = new Map<string, ContainerStats>()
  for await (const one of samples) {
    if (one.sample?.cpuPercent !== undefined || !one.sample) settled.set(one.container, one)
    if (settled.size >= count) break
  }
  const containers = inOrder(settled).filter(({ sample }) => sample)
  if (mode === 'json') yield* containers.map((one) => ({ type: 'sample' as const, ...one }))
  else yield { type: 'stats', containers }
}

const everyMs = 1000

/** What is known of all, whenever a second has passed. */
async function* everySecond(samples: AsyncIterable<ContainerStats>): AsyncIterable<StatsEvent> {
  const latest = new Map<string, ContainerStats>()
  let shownAt = 0
  for await (const one of samples) {
    if (one.sample) latest.set(one.container, one)
    else latest.delete(one.container)
    if (performance.now() - shownAt < everyMs && one.sample?.cpuPercent !== undefined) continue
    shownAt = performance.now()
    yield { type: 'stats', containers: inOrder(latest) }
  }
}

const inOrder = (containers: ReadonlyMap<string, ContainerStats>) =>
  [...containers.values()].sort((a, b) => (a.container < b.container ? -1 : 1))

const titles = ['NAME', 'CPU %', 'MEM USAGE / LIMIT', 'MEM %', 'NET I/O', 'BLOCK I/O', 'PIDS']

function statsText(event: StatsEvent, paint: Paint): string {
  const containers = event.type === 'stats' ? event.containers : [event]
  return table([titles.map(paint.dim), ...containers.map((one) => rowOf(one, paint))])
}

const unknown = '–'

function rowOf({ container, sample }: ContainerStats, paint: Paint): readonly string[] {
  const name = paint.name(sanitize(container))
  if (!sample) return [name, ...titles.slice(1).map(() => unknown)]
  const { cpuPercent, memoryBytes, memoryLimitBytes: limit, network, disk, processes } = sample
  return [
    name,
    cpuPercent === undefined ? unknown : `${cpuPercent.toFixed(2)}%`,
    `${binary(memoryBytes)} / ${limit === undefined ? unknown : binary(limit)}`,
    limit === undefined ? unknown : `${((memoryBytes / limit) * 100).toFixed(2)}%`,
    network ? `${decimal(network.receivedBytes)} / ${decimal(network.sentBytes)}` : unknown,
    disk ? `${decimal(disk.readBytes)} / ${decimal(disk.writtenBytes)}` : unknown,
    processes === undefined ? unknown : String(processes),
  ]
}

/** As docker stats has them: memory in MiB, what flows in MB, four digits. */
const binary = (bytes: number) => scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB'])
const decimal = (bytes: number) => scaled(bytes, 1000, ['B', 'kB', 'MB', 'GB', 'TB'])

function scaled(bytes: number, base: number, units: readonly string[]): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log(bytes) / Math.log(base)))
  return `${Number((bytes / base ** power).toPrecision(4))}${units[power]}`
}
