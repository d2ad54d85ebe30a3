import { posix, relative, resolve } from 'node:path'
import { shellWords } from '../../file/forms/shell-words.ts'
import type { Model, MountConfig, PortConfig, Service, ServiceConfig } from '../../file/model.ts'
import { mainPorts } from '../../file/role.ts'
import { nanoseconds } from '../../file/units.ts'
import type { Commands, ContainerSpec, PortBinding } from '../engine.ts'

/** A "container" of the embedded engine: a process, in plain data. */
export interface ProcessSpec {
  readonly name: string
  readonly service: string
  readonly image: string
  readonly labels: Readonly<Record<string, string>>
  readonly hostname: string
  /** As the file has it. */
  readonly command: readonly string[]
  /** What is run instead. */
  readonly argv: readonly string[]
  readonly directory: string
  /** Addresses in it still name services: they are rewritten when the process starts. */
  readonly environment: Readonly<Record<string, string>>
  /** Where a broker listens; other processes publish nothing. */
  readonly broker: PortBinding | undefined
  readonly stopSignal: string
  readonly graceMs: number
  readonly restart: { readonly policy: string; readonly attempts: number }
}

/** What the embedded engine makes of a model: services it knows, without networks and volumes. */
export function embeddedModel(model: Model, { bin }: Commands): { model: Model; notes: readonly string[] } {
  const known = Object.values(model.services).filter((service) => isBroker(service) || ownCommand(service.config, bin))
  const names = known.map(({ name }) => name)
  const skipped = Object.keys(model.services).filter((name) => !names.includes(name))
  const services = known.map((service) => [service.name, { ...service, config: embeddedConfig(service, names) }])
  return {
    model: { ...model, services: Object.fromEntries(services), networks: {}, volumes: {} },
    notes: [
      ...known.filter(({ role }) => role === 'rabbitmq').map(({ name }) => `${name} is ${standIn}`),
      ...known.filter(needsFiles).map(({ name }) => `${name} ${withoutFiles}`),
      ...skipped.map((name) => `${name} is skipped: ${unknown}`),
    ],
  }
}

const standIn =
  'replaced by an embedded broker that speaks the Redis protocol: no AMQP, no management UI, nothing kept on disk'
const unknown = 'the embedded engine runs redis, rabbitmq and celery-sandbox commands only'

const withoutFiles = 'finds no secrets and configs: a process has no /run/secrets; hand them over in its environment'

function needsFiles(service: Service): boolean {
  const { secrets, configs } = service.config
  return !isBroker(service) && (secrets !== undefined || configs !== undefined)
}

function isBroker({ role }: Service): boolean {
  return role === 'redis' || role === 'rabbitmq'
}

function embeddedConfig(service: Service, names: readonly string[]): ServiceConfig {
  const {
    networks: _,
    network_mode,
    healthcheck,
    links,
    depends_on = {},
    volumes,
    build,
    pull_policy,
    ...config
  } = service.config
  const dependencies = Object.entries(depends_on).filter(([name]) => names.includes(name))
  return {
    ...config,
    depends_on: Object.fromEntries(dependencies),
    volumes: (volumes ?? []).filter(({ type }) => type === 'bind'),
    ports: isBroker(service) ? [brokerPort(service)] : [],
  }
}

/** A broker listens on this machine only: where the file says, else on any free port. */
function brokerPort({ role, config }: Service): PortConfig {
  const target = (role && mainPorts[role]) ?? 0
  // Nobody should find the Redis protocol where he expects AMQP.
  const wanted = role === 'redis' ? config.ports?.find((port) => port.target === target)?.published : undefined
  return { host_ip: '127.0.0.1', target, mode: 'ingress', protocol: 'tcp', ...(wanted && { published: wanted }) }
}

/** The process that stands for a container. */
export function processSpec(spec: ContainerSpec, commands: Commands): ProcessSpec {
  const { model, service, labels, ports } = spec
  const { config } = service
  const name = spec.replaces?.temporaryName ?? spec.name
  const [first] = ports
  const port = isBroker(service) ? first?.port : undefined
  const graceNs = nanoseconds(config.stop_grace_period)
  const [policy = 'no', attempts] = (config.restart ?? 'no').split(':')
  return {
    name,
    service: service.name,
    image: config.image ?? '',
    labels,
    hostname: config.hostname ?? spec.name,
    command: [...(config.entrypoint ?? []), ...(config.command ?? [])],
    argv: port === undefined ? (ownCommand(config, commands.bin) ?? []) : [...commands.broker, '--port', String(port)],
    directory: hostDirectory(config, model.directory),
    environment: Object.fromEntries(
      Object.entries(config.environment ?? {}).flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
    ),
    broker: first && port !== undefined ? { ...first, port } : undefined,
    stopSignal: config.stop_signal ?? 'SIGTERM',
    graceMs: graceNs === undefined ? 10_000 : graceNs / 1e6,
    restart: { policy, attempts: Number(attempts ?? 0) },
  }
}

/** A service's command if it runs our CLI, with our own way to run it; undefined when it runs something else. */
export function ownCommand(
  { entrypoint, command }: Pick<ServiceConfig, 'entrypoint' | 'command'>,
  bin: readonly string[],
): readonly string[] | undefined {
  const words = unwrapped([...(entrypoint ?? []), ...(command ?? [])])
  const at = words.findIndex((word) =>
    /(^|[\\/])celery-sandbox(\.[cm]?js|\.cmd)?$|[\\/]celery-sandbox[\\/].*bin\.[cm]?js$/.test(word),
  )
  return at < 0 ? undefined : [...bin, ...words.slice(at + 1)]
}

/** `sh -c "…"` → the words of its script. */
function unwrapped(words: readonly string[]): readonly string[] {
  const [shell = '', flag = '', script = ''] = words
  const isShell = /(^|\/)(sh|bash|ash|dash)$/.test(shell) && /^-\w*c$/.test(flag)
  return isShell ? (shellWords(script)?.words ?? []) : words
}

/** Where the working directory of the container is on this machine, through its bind mounts. */
export function hostDirectory({ working_dir, volumes = [] }: ServiceConfig, projectDirectory: string): string {
  if (working_dir === undefined) return projectDirectory
  const holds = ({ target }: MountConfig) => working_dir === target || working_dir.startsWith(`${target}/`)
  const [mount] = volumes
    .filter((candidate) => candidate.type === 'bind' && holds(candidate))
    .sort((a, b) => b.target.length - a.target.length)
  if (!mount?.source) return projectDirectory
  return resolve(mount.source, relative('/', posix.join('/', posix.relative(mount.target, working_dir))))
}
