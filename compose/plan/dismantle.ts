import type { ContainerState, Resources, RunState } from '../engine/engine.ts'
import { composeLabels, dependenciesOf, type Labels, serviceOf } from '../identity/labels.ts'
import { dependencyOrder } from './graph.ts'
import type { Operation, Plan } from './plan.ts'

/**
 * How to take a project down, from the labels of what there is: those that depend on others stop first, everything
 * is removed, then networks, then volumes and images if asked for. Only what carries the project's label is touched.
 */
export function dismantle(
  project: string,
  there: Resources & { readonly containers: readonly ContainerState[] },
  options: { volumes?: boolean | undefined; images?: readonly string[] | undefined } = {},
): Plan {
  const isOurs = ({ labels }: { labels: Labels }) => labels[composeLabels.project] === project
  const cause = 'asked for'
  const containers = there.containers.filter(isOurs)
  const removed = containers.map(({ id }) => `remove:${id}`)
  const networks = there.networks
    .filter(isOurs)
    .map(
      ({ id, name }) =>
        ({ id: `network:${id}`, do: 'remove network', name, network: id, cause, after: removed }) as const,
    )
  const volumes = [
    ...there.volumes.filter(isOurs).map(({ name }) => name),
    ...containers.flatMap((container) => container.volumes.filter(isAnonymous)),
  ].map((name) => ({ id: `volume:${name}`, do: 'remove volume', name, cause, after: removed }) as const)
  return Object.freeze({
    operations: [
      ...dependentsFirst(containers).flatMap(([container, after]) => retire(container, cause, after)),
      ...networks,
      ...(options.volumes ? volumes : []),
      ...(options.images ?? []).map(
        (name) => ({ id: `image:${name}`, do: 'remove image', name, cause, after: removed }) as const,
      ),
    ],
    warnings: [],
  })
}

/** Nobody named it: it was made for one container and handed on to its successors. */
function isAnonymous(volume: string): boolean {
  return /^[0-9a-f]{64}$/.test(volume)
}

/** Whether there is nothing to stop. */
export function hasEnded(state: RunState): boolean {
  return state === 'created' || state === 'exited' || state === 'dead'
}

/** Stops a container that runs, and removes it. */
export function retire(
  { id, name, state, labels }: ContainerState,
  cause: string,
  after: readonly string[] = [],
): readonly Operation[] {
  const service = serviceOf(labels)
  const stands = hasEnded(state)
  const remove: Operation = {
    id: `remove:${id}`,
    do: 'remove',
    name,
    service,
    container: id,
    cause,
    after: [`stop:${id}`],
  }
  return stands ? [remove] : [{ id: `stop:${id}`, do: 'stop', name, service, container: id, cause, after }, remove]
}

/** Each container with the stops that come before its own. */
export function dependentsFirst(containers: readonly ContainerState[]): [ContainerState, readonly string[]][] {
  const neededBy = (service: string) =>
    containers.filter(({ labels }) => dependenciesOf(labels).includes(service)).map(({ labels }) => serviceOf(labels))
  const order = dependencyOrder([...new Set(containers.map(({ labels }) => serviceOf(labels)))], neededBy)
  const rank = ({ labels }: ContainerState) => order.indexOf(serviceOf(labels))
  return containers
    .toSorted((a, b) => rank(a) - rank(b))
    .map((container) => {
      const dependents = neededBy(serviceOf(container.labels))
      // The rank breaks a circle that labels may claim.
      const earlier = containers.filter(
        (other) => dependents.includes(serviceOf(other.labels)) && rank(other) < rank(container),
      )
      return [container, earlier.map(({ id }) => `stop:${id}`)]
    })
}
