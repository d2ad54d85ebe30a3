import type { Engine, EngineEvent } from '../engine/engine.ts'
import { serviceOf } from '../identity/labels.ts'

/** Something that happened to a container of a project. */
export interface ContainerEvent {
  /** RFC 3339, UTC. */
  readonly time: string
  readonly action: EngineEvent['action']
  readonly service: string
  readonly id: string
  readonly name: string
  /** Labels but Compose's own, the image, the exit code …: as the engine tells it. */
  readonly attributes: Readonly<Record<string, string>>
}

/** Which events. */
export interface ContainerEventsOptions {
  /** All when empty. */
  readonly services?: readonly string[] | undefined
  /** RFC 3339: also what happened since then, as far as the engine remembers. */
  readonly since?: string | undefined
  /** RFC 3339: ends then. */
  readonly until?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** What happens to the containers of a project, until the signal aborts or the time has come. */
export async function* containerEvents(
  engine: Engine,
  project: string,
  { services = [], since, until, signal: outer }: ContainerEventsOptions,
): AsyncGenerator<ContainerEvent> {
  const leaving = new AbortController()
  const signal = outer ? AbortSignal.any([outer, leaving.signal]) : leaving.signal
  try {
    for await (const event of await engine.events(project, signal, { since, until })) {
      const service = serviceOf(event.labels)
      if (services.length > 0 && !services.includes(service)) continue
      yield shown(event, service)
    }
  } finally {
    leaving.abort()
  }
}

function shown(
  { time, action, container, name, labels, exitCode, health }: EngineEvent,
  service: string,
): ContainerEvent {
  const own = Object.entries(labels).filter(
    ([label]) => !label.startsWith('com.docker.compose.') && !label.startsWith('dev.celery-sandbox.'),
  )
  const attributes = {
    ...Object.fromEntries(own),
    name,
    ...(exitCode !== undefined && { exitCode: String(exitCode) }),
    ...(health !== undefined && { health }),
  }
  return { time, action, service, id: container, name, attributes }
}
