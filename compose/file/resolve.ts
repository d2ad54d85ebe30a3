import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { check } from './check.ts'
import type { Environment } from './discover.ts'
import { readDotenv } from './dotenv.ts'
import type { Dependency, Model, MountConfig, NetworkConfig, Project, Service, ServiceConfig } from './model.ts'
import type { Complain, Path } from './normalize.ts'
import { roleOf } from './role.ts'
import type { Canonical, fileKind } from './schema.ts'

type File = Canonical<typeof fileKind>

interface Input {
  readonly project: Project
  /** All files merged, complete. */
  readonly file: File
  readonly environment: Environment
  readonly profiles: readonly string[]
}

/** Makes a model of merged files: paths absolute, environment filled in, names set, references checked. */
export function resolveModel(input: Input, complain: Complain): Model {
  const { project, file, profiles } = input
  const entries = Object.entries(file.services ?? {}).map(([name, config]): [string, ServiceConfig] => [
    name,
    resolveService(config, ['services', name], input, complain),
  ])
  const isEnabled = ([, { profiles: own }]: [string, ServiceConfig]) =>
    !own || own.some((profile) => profiles.includes(profile) || profiles.includes('*'))
  const enabled = entries.filter(isEnabled)
  const services = Object.fromEntries(enabled.map(([name, config]) => [name, serviceOf(name, config)]))
  const networks = resolveNetworks(file, enabled, project.name)
  const volumes = named(file.volumes ?? {}, project.name)
  const model: Model = {
    name: project.name,
    directory: project.directory,
    files: project.files,
    services,
    disabled: entries.filter((entry) => !isEnabled(entry)).map(([name]) => name),
    networks,
    volumes,
    warnings: [],
  }
  if (entries.length === 0) complain({ severity: 'error', path: [], message: 'no service is defined' })
  check(model, complain)
  return model
}

function serviceOf(name: string, config: ServiceConfig): Service {
  const role = roleOf({ labels: config.labels, image: config.image, command: config.command })
  return { name, role, replicas: config.scale ?? config.deploy?.replicas ?? 1, config }
}

function resolveService(config: ServiceConfig, path: Path, input: Input, complain: Complain): ServiceConfig {
  const { env_file, depends_on, networks, ...rest } = config
  const environment = resolveEnvironment(config, path, input, complain)
  const dependencies = { ...impliedDependencies(config), ...depends_on }
  const replicas = config.deploy?.replicas ?? config.scale
  return {
    ...rest,
    ...(environment && { environment }),
    ...(Object.keys(dependencies).length > 0 && { depends_on: dependencies }),
    ...(config.network_mode === undefined && { networks: networks ?? { default: null } }),
    ...(config.network_mode !== undefined && networks && { networks }),
    ...(config.pull_policy === 'if_not_present' && { pull_policy: 'missing' }),
    ...(config.deploy && replicas !== undefined && { deploy: { ...config.deploy, replicas } }),
    ...(config.volumes && { volumes: config.volumes.map((mount) => resolveMount(mount, input.project.directory)) }),
  }
}

/** Files first, then the service's own entries; a key without value takes what the caller's environment has. */
function resolveEnvironment(
  config: ServiceConfig,
  path: Path,
  { project, environment }: Input,
  complain: Complain,
): Readonly<Record<string, string | null>> | undefined {
  const own = Object.fromEntries(
    Object.entries(config.environment ?? {}).map(([key, value]) => [key, value ?? environment[key] ?? null]),
  )
  const fromFiles: Record<string, string> = {}
  for (const [index, { path: name, required }] of (config.env_file ?? []).entries()) {
    const file = absolute(name, project.directory)
    const report = (message: string) => complain({ severity: 'error', path: [...path, 'env_file', index], message })
    if (!existsSync(file)) {
      if (required) report(`no such file: ${file}`)
      continue
    }
    const result = readDotenv(file, (key) => environment[key] ?? own[key] ?? fromFiles[key])
    if (result.ok) Object.assign(fromFiles, result.values)
    else report(`${file}:${result.line} ${result.problem}`)
  }
  const all = { ...fromFiles, ...own }
  return Object.keys(all).length > 0 ? all : undefined
}

/** Links and shared namespaces need the other service to be there first. */
function impliedDependencies(config: ServiceConfig): Record<string, Dependency> {
  const linked = (config.links ?? []).map((link) => link.split(':', 1)[0] ?? link)
  const shared = [config.network_mode, config.ipc, config.pid, config.uts, config.cgroup].flatMap(
    (mode) => /^service:(.+)$/.exec(mode ?? '')?.[1] ?? [],
  )
  const implied: Dependency = { condition: 'service_started', restart: true, required: true }
  return Object.fromEntries([...linked, ...shared].map((name) => [name, implied]))
}

function resolveMount(mount: MountConfig, directory: string): MountConfig {
  const target = mount.target.replace(/(.)\/+$/, '$1')
  if (mount.type !== 'bind' || mount.source === undefined) return { ...mount, target }
  return { ...mount, source: absolute(mount.source, directory), target }
}

function absolute(path: string, directory: string): string {
  const expanded = path.startsWith('~') ? join(homedir(), path.slice(1)) : path
  const windows = /^[a-z]:[\\/]|^\\\\/i.test(expanded)
  return isAbsolute(expanded) || windows ? expanded : resolve(directory, expanded)
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
