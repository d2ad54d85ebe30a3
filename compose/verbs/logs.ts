import type { ContainerState } from '../engine/engine.ts'
import { StackError } from '../errors.ts'
import { Watch } from '../execute/watch.ts'
import type { OpenedProject } from '../file/project.ts'
import { serviceOf } from '../identity/labels.ts'
import type { Context } from './context.ts'
import { Follower } from './follow.ts'
import { history, isWanted, type LogLine, type LogsOptions, mergeByTime, notice } from './history.ts'

/**
 * What the containers of a project wrote: first all there is, merged by time; then, if followed, what comes, as it
 * comes, through restarts of containers and of the engine.
 *
 * @throws {StackError} SERVICE_UNKNOWN
 */
export async function* readLogs(
  { engine, project }: Pick<Context, 'engine' | 'project'>,
  options: LogsOptions,
): AsyncGenerator<LogLine> {
  const leaving = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, leaving.signal]) : leaving.signal
  const reading = { engine, project: project.name, options, signal }
  try {
    // Events first: what starts while the history is read is not missed.
    const events = options.follow ? (await Watch.open(engine, project.name, signal)).all() : undefined
    const all = await engine.containers(project.name)
    const awaited = options.follow ? servicesIn(project) : []
    const missing = missingServices(options, all, awaited)
    const containers = all.filter((container) => isWanted(container, options))
    if (!events) return yield* mergeByTime(containers.map((container) => history(container, reading)))
    const follower = new Follower(reading)
    yield* mergeByTime(containers.map((container) => follower.history(container)))
    for (const service of missing) yield notice(`waiting for ${service} to begin`)
    // Where there is nothing, nothing is waited for, unless it was named.
    if (containers.length > 0 || missing.length > 0) yield* follower.lines(events, containers)
  } finally {
    leaving.abort()
  }
}

/** The services asked for that have no container yet; one that nobody knows is refused. */
function missingServices(
  { services = [] }: LogsOptions,
  containers: readonly ContainerState[],
  awaited: readonly string[],
): readonly string[] {
  const there = new Set(containers.map(({ labels }) => serviceOf(labels)))
  const missing = services.filter((service) => !there.has(service))
  const unknown = missing.find((service) => !awaited.includes(service))
  if (unknown === undefined) return missing
  const known = [...new Set([...there, ...awaited])].sort()
  const rest = known.length > 0 ? `there are ${known.join(', ')}` : 'nothing of the project is there'
  throw new StackError('SERVICE_UNKNOWN', `there is no service "${unknown}"; ${rest}`)
}

/** Those of the file, if it can be read: logs are shown whatever it has become. */
function servicesIn(project: Pick<OpenedProject, 'model'>): readonly string[] {
  try {
    const { services, disabled } = project.model()
    return [...Object.keys(services), ...disabled]
  } catch {
    return []
  }
}
