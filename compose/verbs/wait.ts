import type { Engine } from '../engine/engine.ts'
import { Watch } from '../execute/watch.ts'
import { selectContainers } from './selection.ts'

/** How a container ended. */
export interface Ended {
  readonly service: string
  readonly container: string
  readonly exitCode: number
}

/**
 * Waits until the first container of these services ends, or tells of one that has.
 *
 * @throws {StackError} SERVICE_UNKNOWN
 */
export async function waitFor(
  engine: Engine,
  project: string,
  services: readonly string[],
  signal: AbortSignal,
): Promise<Ended> {
  const watch = await Watch.open(engine, project, signal)
  try {
    const events = watch.all()
    const containers = await selectContainers(engine, project, services)
    const past = containers.find(({ state }) => state === 'exited' || state === 'dead')
    if (past) return { service: past.service, container: past.name, exitCode: past.exitCode ?? 0 }
    for await (const { action, container, exitCode = 0 } of events) {
      const own = containers.find(({ id }) => id === container)
      if (own && action === 'die') return { service: own.service, container: own.name, exitCode }
    }
    throw signal.reason
  } finally {
    watch.stop()
  }
}
