import type { ContainerState, Engine } from '../engine/engine.ts'
import { StackError } from '../errors.ts'
import { serviceOf } from '../identity/labels.ts'
import { type ObservedContainer, serviceContainers } from '../plan/observe.ts'

/**
 * The containers of services of a project, of all of them when none is named; found by their labels, so that no file
 * needs to be right.
 *
 * @throws {StackError} SERVICE_UNKNOWN
 */
export async function selectContainers(
  engine: Engine,
  project: string,
  services: readonly string[],
): Promise<readonly ObservedContainer[]> {
  const containers = serviceContainers(await engine.containers(project))
  refuseUnknown(services, containers)
  return containers.filter(({ service }) => services.length === 0 || services.includes(service))
}

/**
 * One container of a service: of this number, or the first that runs.
 *
 * @throws {StackError} SERVICE_UNKNOWN, SERVICE_NOT_RUNNING
 */
export async function selectRunning(
  engine: Engine,
  project: string,
  service: string,
  index: number | undefined,
): Promise<ObservedContainer> {
  const containers = await selectContainers(engine, project, [service])
  const found = containers.find(({ number, state }) => (index === undefined ? state === 'running' : number === index))
  if (found?.state === 'running') return found
  const which =
    index === undefined ? `no container of "${service}" runs` : `"${service}" has no container ${index} that runs`
  throw new StackError('SERVICE_NOT_RUNNING', which)
}

/** @throws {StackError} SERVICE_UNKNOWN, with those that are there */
export function refuseUnknown(services: readonly string[], containers: readonly ContainerState[]): void {
  const there = [...new Set(containers.map(({ labels }) => serviceOf(labels)))].sort()
  const unknown = services.find((service) => !there.includes(service))
  if (unknown === undefined) return
  const rest = there.length > 0 ? `there are ${there.join(', ')}` : 'nothing of the project is there'
  throw new StackError('SERVICE_UNKNOWN', `there is no service "${unknown}"; ${rest}`)
}
