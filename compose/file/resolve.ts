import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import type { File } from './assemble.ts'
import { check } from './check.ts'
import type { Complain, Path } from './complaint.ts'
import type { Environment } from './discover.ts'
import { readDotenv } from './dotenv.ts'
import type { Dependency, Model, MountConfig, NetworkConfig, Project, Service, ServiceConfig } from './model.ts'
import { roleOf } from './role.ts'

interface Input {
  readonly project: Project
  /** All files merged, complete. */
  readonly file: File
  readonly environment: Environment
  readonly profiles: readonly string[]
}

/** Makes a model of merged files: environment filled in, names set, references checked. */
export function resolveModel(input: Input, complain: Complain): Model {
  const { project, file, profiles } = input
  const entries = Object.entries(file.services ?? {})
  const isEnabled = ([, { profiles: own }]: [string, ServiceConfig]) =>
    !own || own.some((profile) => profiles.includes(profile) || profiles.includes('*'))
  const enabled = entries
    .filter(isEnabled)
    .map(([name, config]): [string, ServiceConfig] => [
      name,
      resolveService(config, ['services', name], input, complain),
    ])
  const model: Model = {
    name: project.name,
    directory: project.directory,
    files: project.files,
    ...(project.envFiles && { envFiles: project.envFiles }),
    services: Object.fromEntries(enabled.map(([name, config]) => [name, serviceOf(name, config)])),
    disabled: entries.filter((entry) => !isEnabled(entry)).map(([name]) => name),
    networks: resolveNetworks(file, enabled, project.name),
    volumes: named(file.volumes ?? {}, project.name),
    secrets: named(file.secrets ?? {}, project.name),
    configs: named(file.configs ?? {}, project.name),
    warnings: [],
  }
  if (entries.length === 0) complain({ severity: 'error', path: [], message: 'no service is defined' })
  if (file.version !== undefined) {
    complain({ severity: 'warning', path: ['version'], message: 'has no meaning any more; remove it', atKey: true })
  }
  check(model, complain)
  return withoutUnused(model)
}

/** The model without what no service asks for: that is not made. */
export function withoutUnused(model: Model): Model {
  const configs = Object.values(model.services).map(({ config }) => config)
  const only = <T>(all: Readonly<Record<string, T>>, used: readonly (string | undefined)[]) => {
    const keys = new Set(used)
    return Object.fromEntries(Object.entries(all).filter(([key]) => keys.has(key)))
  }
  const sources = (list: readonly { source?: string }[] | undefined) => (list ?? []).map(({ source }) => source)
  return {
    ...model,
    networks: only(
      model.networks,
      configs.flatMap(({ networks }) => Object.keys(networks ?? {})),
    ),
    volumes: only(
      model.volumes,
      configs.flatMap(({ volumes }) => sources(volumes?.filter(({ type }) => type === 'volume'))),
    ),
    secrets: only(
      model.secrets,
      configs.flatMap(({ secrets, build }) => [...sources(secrets), ...sources(build?.secrets)]),
    ),
    configs: only(
      model.configs,
      configs.flatMap(({ configs: own }) => sources(own)),
    ),
  }
}

function serviceOf(name: string, config: ServiceConfig): Service {
  const role = roleOf({ labels: config.labels, image: config.image, command: config.command })
  return { name, role, replicas: config.scale ?? config.deploy?.replicas ?? 1, config }
}

function resolveService(config: ServiceConfig, path: Path, input: Input, complain: Complain): ServiceConfig {
  const { env_file, depends_on, networks, ...rest } = config
  const environment = resolveEnvironment(config, path, input, complain)
  const labels = resolveLabels(config, path, complain)
  const build = config.build && resolveBuild(config.build, input.environment)
  const dependencies = { ...impliedDependencies(config), ...depends_on }
  const replicas = config.deploy?.replicas ?? config.scale
  return {
    ...rest,
    ...(build && { build }),
    ...(environment && { environment }),
    ...(labels && { labels }),
    ...(Object.keys(dependencies).length > 0 && { depends_on: dependencies }),
    ...(config.network_mode === undefined && { networks: networks ?? { default: null } }),
    ...(config.network_mode !== undefined && networks && { networks }),
    ...(config.pull_policy === 'if_not_present' && { pull_policy: 'missing' }),
    ...(config.deploy && replicas !== undefined && { deploy: { ...config.deploy, replicas } }),
    ...(config.volumes && { volumes: config.volumes.map(resolveMount) }),
    ...(config.secrets && {
      secrets: config.secrets.map((secret) => ({
        ...secret,
        target: secret.target ?? `/run/secrets/${secret.source}`,
      })),
    }),
  }
}

/** Arguments without value take what the caller's environment has, or are none. */
function resolveBuild(build: NonNullable<ServiceConfig['build']>, environment: Environment): ServiceConfig['build'] {
  const { args, ...rest } = build
  const known = Object.entries(args ?? {}).flatMap(([key, value]): [string, string][] => {
    const text = value ?? environment[key]
    return text === undefined ? [] : [[key, text]]
  })
  return { ...rest, ...(known.length > 0 && { args: Object.fromEntries(known) }) }
}

/** Files first, then the service's own entries; a key without value takes what the caller's environment has. */
function resolveEnvironment(
  config: ServiceConfig,
  path: Path,
  { environment }: Input,
  complain: Complain,
): Readonly<Record<string, string | null>> | undefined {
  const own = Object.fromEntries(
    Object.entries(config.environment ?? {}).map(([key, value]) => [key, value ?? environment[key] ?? null]),
  )
  const files = config.env_file ?? []
  const lookup = (key: string) => environment[key] ?? own[key] ?? undefined
  const all = { ...readFiles(files, lookup, [...path, 'env_file'], complain), ...own }
  return Object.keys(all).length > 0 ? all : undefined
}

/** Files first, then the service's own labels. */
function resolveLabels(config: ServiceConfig, path: Path, complain: Complain): ServiceConfig['labels'] {
  const files = (config.label_file ?? []).map((file) => ({ path: file, required: true }))
  const all = { ...readFiles(files, () => undefined, [...path, 'label_file'], complain), ...config.labels }
  return Object.keys(all).length > 0 ? all : undefined
}

interface ValueFile {
  readonly path: string
  readonly required: boolean
  readonly format?: string
}

/** The later file over the earlier. */
function readFiles(
  files: readonly ValueFile[],
  lookup: (key: string) => string | undefined,
  path: Path,
  complain: Complain,
): Readonly<Record<string, string>> {
  let values: Readonly<Record<string, string>> = {}
  for (const [index, { path: file, required, format }] of files.entries()) {
    const report = (message: string) => complain({ severity: 'error', path: [...path, index], message })
    if (format !== undefined && format !== 'raw') {
      report(`unsupported env_file format "${format}"`)
      continue
    }
    if (!existsSync(file)) {
      if (required) report(`no such file: ${file}`)
      continue
    }
    const result = readDotenv(file, lookup, { format, earlier: values })
    if (result.ok) values = result.values
    else report(`${file}:${result.line} ${result.problem}`)
  }
  return values
}

/** Links and shared namespaces need the other service to be there first. */
function impliedDependencies(config: ServiceConfig): Record<string, Dependency> {
  const linked = (config.links ?? []).map((link) => link.split(':', 1)[0] ?? link)
  const shared = [config.network_mode, config.ipc, config.pid, config.uts, config.cgroup].flatMap(
    (mode) => /^service:(.+)$/.exec(mode ?? '')?.[1] ?? [],
  )
  const mounted = (config.volumes_from ?? []).flatMap((name) =>
    name.startsWith('container:') ? [] : (name.split(':', 1)[0] ?? []),
  )
  const implied = (restart: boolean): Dependency => ({
    condition: 'service_started',
    required: true,
    ...(restart && { restart }),
  })
  return Object.fromEntries([
    ...mounted.map((name) => [name, implied(false)]),
    ...[...linked, ...shared].map((name) => [name, implied(true)]),
  ])
}

function resolveMount(mount: MountConfig): MountConfig {
  return { ...mount, target: posix.normalize(mount.target).replace(/(.)\/$/, '$1') }
}

/** The network `default` exists when a service is on it. */
function resolveNetworks(file: File, services: [string, ServiceConfig][], project: string): Model['networks'] {
  const usesDefault = services.some(([, { networks }]) => networks && 'default' in networks)
  const implied: Record<string, NetworkConfig> = usesDefault ? { default: { ipam: {} } } : {}
  return named({ ...implied, ...file.networks }, project)
}

function named<T extends { name?: string; external?: boolean }>(
  resources: Readonly<Record<string, T>>,
  project: string,
): Readonly<Record<string, T & { name: string }>> {
  return Object.fromEntries(
    Object.entries(resources).map(([key, resource]) => [
      key,
      { ...resource, name: resource.name ?? (resource.external ? key : `${project}_${key}`) },
    ]),
  )
}
