import type { Dependency, Model, Service } from '../file/model.ts'
import { configHash, type HashFamily, hashFamilies, type Owner, partDigests } from './hash.ts'

/** What Compose writes on everything it makes, and finds its things by. */
export const composeLabels = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  number: 'com.docker.compose.container-number',
  oneOff: 'com.docker.compose.oneoff',
  slug: 'com.docker.compose.slug',
  hash: 'com.docker.compose.config-hash',
  image: 'com.docker.compose.image',
  dependsOn: 'com.docker.compose.depends_on',
  directory: 'com.docker.compose.project.working_dir',
  files: 'com.docker.compose.project.config_files',
  envFiles: 'com.docker.compose.project.environment_file',
  version: 'com.docker.compose.version',
  network: 'com.docker.compose.network',
  volume: 'com.docker.compose.volume',
} as const

/** Ours: digests of the parts of the configuration, to say later what changed. */
export const partsLabel = 'dev.celery-sandbox.parts'

/** Labels of anything Docker knows. */
export type Labels = Readonly<Record<string, string>>

/** Everything Compose writes on a container, and our digests. */
export function containerLabels(
  model: Model,
  service: Service,
  number: number,
  made: { family: HashFamily; imageId: string; owner?: Owner },
): Labels {
  const { config } = service
  const dependencies = Object.entries(config.depends_on ?? {}).map(
    ([name, { condition, restart }]) => `${name}:${condition}:${restart ?? false}`,
  )
  return {
    ...config.labels,
    [composeLabels.project]: model.name,
    [composeLabels.service]: service.name,
    [composeLabels.number]: String(number),
    [composeLabels.oneOff]: 'False',
    [composeLabels.hash]: configHash(config, made.family, made.owner),
    [composeLabels.image]: made.imageId,
    [composeLabels.dependsOn]: dependencies.join(','),
    [composeLabels.directory]: model.directory,
    [composeLabels.files]: model.files.join(','),
    ...(model.envFiles && { [composeLabels.envFiles]: model.envFiles.join(',') }),
    [composeLabels.version]: hashFamilies[made.family].version,
    [partsLabel]: JSON.stringify(partDigests(config)),
  }
}

/** Everything Compose writes on a run of its own; it has a slug instead of a number. */
export function oneOffLabels(
  model: Model,
  service: Service,
  slug: string,
  made: { family: HashFamily; imageId: string },
): Labels {
  const { [composeLabels.number]: _, ...labels } = containerLabels(model, service, 1, made)
  return { ...labels, [composeLabels.oneOff]: 'True', [composeLabels.slug]: slug }
}

/** No config-hash here: a wrong one makes Compose take the network or volume apart, a missing one is left alone. */
export function networkLabels(model: Model, key: string): Labels {
  return {
    ...model.networks[key]?.labels,
    [composeLabels.network]: key,
    [composeLabels.project]: model.name,
    [composeLabels.version]: hashFamilies.v2.version,
  }
}

/** As for networks. */
export function volumeLabels(model: Model, key: string): Labels {
  return {
    ...model.volumes[key]?.labels,
    [composeLabels.volume]: key,
    [composeLabels.project]: model.name,
    [composeLabels.version]: hashFamilies.v2.version,
  }
}

/** On an image that was built: `down --rmi local` of Compose finds it by these. */
export function imageLabels(project: string, service: string): Labels {
  return {
    [composeLabels.project]: project,
    [composeLabels.service]: service,
    [composeLabels.version]: hashFamilies.v2.version,
  }
}

/** The services a container waited for when it was made, by its label. */
export function dependenciesOf(labels: Labels): readonly string[] {
  return Object.keys(dependsOn(labels))
}

/** Whom a container waited for when it was made and how far, by its label: `redis:service_healthy:true,…`. */
export function dependsOn(labels: Labels): Readonly<Record<string, Dependency>> {
  const entries = (labels[composeLabels.dependsOn] ?? '').split(',').filter((entry) => entry !== '')
  return Object.fromEntries(
    entries.map((entry): [string, Dependency] => {
      const [name = '', condition = 'service_started', restart] = entry.split(':')
      return [name, { condition: condition as Dependency['condition'], restart: restart === 'true', required: true }]
    }),
  )
}

/** The digests our label keeps; empty for containers that Compose made. */
export function partsOf(labels: Labels): Labels {
  try {
    return JSON.parse(labels[partsLabel] ?? '{}')
  } catch {
    return {}
  }
}

/** The service a container belongs to. */
export function serviceOf(labels: Labels): string {
  return labels[composeLabels.service] ?? ''
}

/** Its number among the containers of its service, from 1. */
export function numberOf(labels: Labels): number {
  return Number(labels[composeLabels.number] ?? 0)
}

/** Whether `docker compose run` made it. */
export function isOneOff(labels: Labels): boolean {
  return labels[composeLabels.oneOff] === 'True'
}

/** The family in which containers with this version label were hashed; undefined when it says nothing. */
export function familyOfVersion(version: string | undefined): HashFamily | undefined {
  const major = /^v?(\d+)\./.exec(version ?? '')?.[1]
  return major === undefined ? undefined : Number(major) >= 5 ? 'v5' : 'v2'
}
