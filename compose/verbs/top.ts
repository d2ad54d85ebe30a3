import type { Engine, ProcessTable } from '../engine/engine.ts'
import { selectContainers } from './selection.ts'

/** The processes in one container. */
export interface ContainerProcesses extends ProcessTable {
  readonly service: string
  readonly container: string
}

/** The processes in every container that runs, of these services or of all. */
export async function topOf(
  engine: Engine,
  project: string,
  services: readonly string[],
): Promise<readonly ContainerProcesses[]> {
  const containers = await selectContainers(engine, project, services)
  return Promise.all(
    containers
      .filter(({ state }) => state === 'running')
      .map(async ({ id, service, name }) => ({ service, container: name, ...(await engine.processes(id)) })),
  )
}
