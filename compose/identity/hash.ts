import { createHash } from 'node:crypto'
import { serviceKind } from '../file/forms/kinds.ts'
import { goJson } from '../file/json.ts'
import type { ServiceConfig } from '../file/model.ts'

/**
 * Compose's config-hash: SHA-256 of Go's JSON of the resolved service. Compose changed its JSON over time; a hash
 * of any family here counts as up to date, so that nothing is recreated because Compose was upgraded.
 */
export const hashFamilies = {
  /** 2.30.2 … 2.40: `bind.create_host_path` is written when it is true. */
  v2: { showsHostPath: (given: boolean | undefined) => given === true || undefined, version: '2.40.3' },
  /** 5.0 and later: written when it is false. */
  v5: { showsHostPath: (given: boolean | undefined) => (given === false ? false : undefined), version: '5.0.0' },
} as const

/** A generation of Compose, as far as its hashes are concerned. */
export type HashFamily = keyof typeof hashFamilies

/** Changing any of these recreates nothing. */
const blank = {
  build: undefined,
  pull_policy: undefined,
  pull_refresh_after: undefined,
  scale: undefined,
  depends_on: undefined,
  profiles: undefined,
  env_file: undefined,
}

/** The id of the container that a service shares its namespaces or mounts from; undefined when there is none yet. */
export type Owner = (service: string) => string | undefined

/** The hash that a family of Compose releases computes for a service. */
export function configHash(config: ServiceConfig, family: HashFamily, owner?: Owner): string {
  return createHash('sha256')
    .update(hashedJson(config, family, owner))
    .digest('hex')
}

/** Every hash under which a container of this service is up to date; some releases hash names, some ids of containers. */
export function acceptedHashes(config: ServiceConfig, owner?: Owner): ReadonlySet<string> {
  const families = Object.keys(hashFamilies) as HashFamily[]
  return new Set(families.flatMap((family) => [configHash(config, family), configHash(config, family, owner)]))
}

/** Services whose namespaces or mounts a service shares. */
export function ownersOf({ network_mode, ipc, pid, volumes_from }: ServiceConfig): readonly string[] {
  const modes = [network_mode, ipc, pid].flatMap((mode) => /^service:(.+)$/.exec(mode ?? '')?.[1] ?? [])
  const mounts = (volumes_from ?? []).flatMap((name) => /^(?!container:)[^:]+/.exec(name)?.[0] ?? [])
  return [...new Set([...modes, ...mounts])]
}

/** The text that is hashed. */
export function hashedJson(given: ServiceConfig, family: HashFamily, owner?: Owner): string {
  const config = owner ? withIds(given, owner) : given
  const { deploy, volumes } = config
  const { showsHostPath } = hashFamilies[family]
  return goJson(serviceKind, {
    ...config,
    ...blank,
    deploy: deploy && { ...deploy, replicas: undefined },
    volumes: volumes?.map((mount) => ({
      ...mount,
      bind: mount.bind && { ...mount.bind, create_host_path: showsHostPath(mount.bind.create_host_path) },
    })),
  })
}

/** As Compose resolves what is shared, right before it makes a container; modes of mounts are lost to it. */
function withIds(config: ServiceConfig, owner: Owner): ServiceConfig {
  const { network_mode, ipc, pid, volumes_from, ...rest } = config
  const shared = (mode: string | undefined) => {
    const id = owner(/^service:(.+)$/.exec(mode ?? '')?.[1] ?? '')
    return id === undefined ? mode : `container:${id}`
  }
  const mounts = volumes_from?.map((name) => {
    const [first = '', second = first] = name.split(':')
    return first === 'container' ? second : (owner(first) ?? name)
  })
  return {
    ...rest,
    ...(network_mode !== undefined && { network_mode: shared(network_mode) ?? network_mode }),
    ...(ipc !== undefined && { ipc: shared(ipc) ?? ipc }),
    ...(pid !== undefined && { pid: shared(pid) ?? pid }),
    ...(mounts && { volumes_from: mounts }),
  }
}

/** A short digest of every part, so that a later run can say what changed without keeping the values. */
export function partDigests(config: ServiceConfig): Readonly<Record<string, string>> {
  const parts = Object.entries({ ...config, ...blank }).flatMap(([key, value]): [string, unknown][] => {
    if (value === undefined || value === null) return []
    if (key !== 'environment' && key !== 'labels') return [[key, value]]
    return Object.entries(value).map(([name, entry]) => [`${key}.${name}`, entry])
  })
  return Object.fromEntries(
    parts.map(([part, value]) => [part, createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 8)]),
  )
}

/** `environment.BROKER_URL changed, image added`; undefined when the digests tell nothing. */
export function changedParts(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): string | undefined {
  const parts = [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((part) => {
    if (before[part] === after[part]) return []
    return `${part} ${before[part] === undefined ? 'added' : after[part] === undefined ? 'removed' : 'changed'}`
  })
  return parts.length > 0 ? parts.join(', ') : undefined
}
