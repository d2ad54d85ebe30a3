import type { Canonical, fileObjectKind, networkKind, serviceKind, volumeKind } from './forms/kinds.ts'

/** What a service is to Celery; compose knows the word, the caller knows the protocol. */
export type Role = 'redis' | 'rabbitmq' | 'worker'

/** A service in Compose's own words and forms: what `docker compose config --format json` prints of it. */
export type ServiceConfig = Canonical<typeof serviceKind>
/** Parts of it, and the other things a file defines. */
export type NetworkConfig = Canonical<typeof networkKind>
export type VolumeConfig = Canonical<typeof volumeKind>
/** A secret or a config: `content` is also what its environment variable holds. */
export type FileObjectConfig = Canonical<typeof fileObjectKind>
export type BuildConfig = NonNullable<ServiceConfig['build']>
export type PortConfig = NonNullable<ServiceConfig['ports']>[number]
export type MountConfig = NonNullable<ServiceConfig['volumes']>[number]
export type Dependency = NonNullable<ServiceConfig['depends_on']>[string]

/** One service that shall run. */
export interface Service {
  readonly name: string
  readonly role: Role | undefined
  /** How many containers it shall have. */
  readonly replicas: number
  readonly config: ServiceConfig
}

/** What the files ask for, resolved: nothing in it needs the environment, the disk or another file any more. */
export interface Model {
  readonly name: string
  /** Absolute. */
  readonly directory: string
  /** Absolute, in the order they were merged. */
  readonly files: readonly string[]
  /** Those that were named instead of `.env`, absolute. */
  readonly envFiles?: readonly string[]
  /** Those that are to run: enabled by their profiles. By name. */
  readonly services: Readonly<Record<string, Service>>
  /** Services that no active profile enables. */
  readonly disabled: readonly string[]
  /** Those that services use, by key; `name` is always set. */
  readonly networks: Readonly<Record<string, NetworkConfig & { readonly name: string }>>
  readonly volumes: Readonly<Record<string, VolumeConfig & { readonly name: string }>>
  readonly secrets: Readonly<Record<string, FileObjectConfig & { readonly name: string }>>
  readonly configs: Readonly<Record<string, FileObjectConfig & { readonly name: string }>>
  /** What was understood but is not carried out, a sentence each. */
  readonly warnings: readonly string[]
}

/** Where a stack is, known before (and without) a valid file. */
export interface Project {
  readonly name: string
  readonly directory: string
  readonly files: readonly string[]
  /** `--env-file`, absolute. */
  readonly envFiles?: readonly string[]
}

/** `shop-worker-1`, or the file's container_name. */
export function containerName(project: string, service: Service, number: number): string {
  return service.config.container_name ?? `${project}-${service.name}-${number}`
}

/** The image its containers run: the file's, or the one that is built for it. */
export function imageName(project: string, { name, config }: Service): string {
  return config.image ?? `${project}-${name}`
}
