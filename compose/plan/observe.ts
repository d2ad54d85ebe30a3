import type { ContainerState, Engine, ImageState, NetworkState, VolumeState } from '../engine/engine.ts'
import { imageName, type Model } from '../file/model.ts'
import { composeLabels, isOneOff, numberOf, serviceOf } from '../identity/labels.ts'

/** What there is: the other side of reconcile. */
export interface Observed {
  /** Of services, not of one-off runs; in the order of service and number. */
  readonly containers: readonly ObservedContainer[]
  readonly networks: readonly NetworkState[]
  readonly volumes: readonly VolumeState[]
  readonly images: Readonly<Record<string, ImageState>>
}

/** A container with its place in the project. */
export interface ObservedContainer extends ContainerState {
  readonly service: string
  readonly number: number
}

/** Looks once, all at the same time. */
export async function observe(engine: Engine, model: Model): Promise<Observed> {
  const images = new Set(Object.values(model.services).map((service) => imageName(model.name, service)))
  const [containers, resources, found] = await Promise.all([
    engine.containers(model.name),
    engine.resources(model.name, {
      networks: Object.values(model.networks).map(({ name }) => name),
      volumes: Object.values(model.volumes).map(({ name }) => name),
    }),
    engine.images([...images]),
  ])
  return { ...resources, containers: serviceContainers(containers), images: found }
}

/** Those that belong to services, in order. */
export function serviceContainers(containers: readonly ContainerState[]): readonly ObservedContainer[] {
  return containers
    .filter(({ labels }) => !isOneOff(labels))
    .map((container) => ({
      ...container,
      service: serviceOf(container.labels),
      number: numberOf(container.labels),
    }))
    .sort((a, b) => (a.service === b.service ? a.number - b.number : a.service < b.service ? -1 : 1))
}

/** The directories that containers of this project were made from. */
export function directoriesOf(containers: readonly ContainerState[]): readonly string[] {
  return [...new Set(containers.flatMap(({ labels }) => labels[composeLabels.directory] ?? []))]
}
