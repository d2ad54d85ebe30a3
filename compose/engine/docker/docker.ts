import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { StackError } from '../../errors.ts'
import type { Environment } from '../../file/discover.ts'
import type { Model } from '../../file/model.ts'
import { composeLabels, type Labels, networkLabels, volumeLabels } from '../../identity/labels.ts'
import type { BuildProgress, BuildSpec } from '../build.ts'
import type {
  AttachOptions,
  ContainerDetail,
  ContainerSpec,
  ContainerState,
  Engine,
  EngineEvent,
  EngineLogLine,
  EventRange,
  ExecSpec,
  HeldPort,
  ImageState,
  LogOptions,
  ProcessTable,
  PullProgress,
  ResourceNames,
  Resources,
  Session,
  StatsSample,
  SyncedFile,
} from '../engine.ts'
import { readJsonLines } from '../ndjson.ts'
import { Api, asOptions, call } from './api.ts'
import { buildWithBuildx, findBuildx } from './build/buildx.ts'
import { buildClassic } from './build/classic.ts'
import { proxyVariables, readDockerConfig } from './config-file.ts'
import type { Connection } from './connect.ts'
import { containerBody } from './container-body.ts'
import { containerDetail, containerState, nameOf, portBindings } from './container-state.ts'
import { copyTexts, syncFiles } from './copy.ts'
import { credentialsFor } from './credentials.ts'
import { publishedHost } from './endpoint.ts'
import { type DockerEvent, engineEvent, eventActions } from './events.ts'
import { imageStates, pullImage } from './images.ts'
import { frameLines, terminalLines, unixTime } from './logs.ts'
import { refused, statusOf } from './refusals.ts'
import { attachTo, execDetached, openExec } from './session.ts'
import { type StatsMessage, statsSample } from './stats.ts'
import { signalContainer, stopContainer } from './stop.ts'

/** The Docker engine at a connection that answered. */
export async function dockerEngine(connection: Connection, env: Environment): Promise<Engine> {
  return new DockerEngine(await Api.open(connection), connection, env)
}

/** API 1.44, Docker 25. */
const startIntervalVersion = 1044

class DockerEngine implements Engine {
  readonly kind = 'docker'
  readonly endpoint: string
  readonly host: string
  readonly #api: Api
  readonly #connection: Connection
  readonly #env: Environment

  constructor(api: Api, connection: Connection, env: Environment) {
    this.#api = api
    this.#connection = connection
    this.#env = env
    this.endpoint = connection.endpoint.url
    this.host = publishedHost(connection.endpoint)
  }

  prepare(model: Model) {
    const waiting = Object.values(model.services).filter(({ config }) => config.healthcheck?.start_interval)
    const isUnknown = this.#api.version < startIntervalVersion
    const note = 'healthcheck.start_interval needs Docker 25; this engine looks first after a whole interval'
    return { model, notes: isUnknown ? waiting.map(({ name }) => `${name}: ${note}`) : [] }
  }

  async containers(project?: string): Promise<readonly ContainerState[]> {
    const filters = { label: [project === undefined ? composeLabels.project : `${composeLabels.project}=${project}`] }
    const list = await call('list containers', () => this.#api.docker.listContainers({ all: true, filters }))
    for (const container of list) this.#api.named(container.Id, nameOf(container))
    return list.map(containerState)
  }

  async resources(project: string, names: ResourceNames = { networks: [], volumes: [] }): Promise<Resources> {
    const [networks, volumes] = await call('list networks and volumes', () =>
      Promise.all([this.#api.docker.listNetworks(), this.#api.docker.listVolumes()]),
    )
    const isOurs = (labels: Labels | null | undefined) => labels?.[composeLabels.project] === project
    return {
      networks: networks
        .filter(({ Name, Labels }) => isOurs(Labels) || names.networks.includes(Name))
        .map(({ Id, Name, Labels }) => ({ id: Id, name: Name, labels: Labels ?? {} })),
      volumes: (volumes.Volumes ?? [])
        .filter(({ Name, Labels }) => isOurs(Labels) || names.volumes.includes(Name))
        .map(({ Name, Labels }) => ({ name: Name, labels: Labels ?? {} })),
    }
  }

  async inspect(container: string): Promise<ContainerDetail | undefined> {
    const found = await this.#api.inspect(container)
    return found && containerDetail(found, await this.#environmentOf(found.Image))
  }

  async #environmentOf(image: string): Promise<readonly string[]> {
    const found = await call('look at an image', () => this.#api.docker.getImage(image).inspect(), [404])
    return found?.Config.Env ?? []
  }

  images(references: readonly string[]): Promise<Readonly<Record<string, ImageState>>> {
    return imageStates(this.#api, references)
  }

  pull(reference: string, platform: string | undefined, signal: AbortSignal): AsyncIterable<PullProgress> {
    return pullImage(this.#api, reference, platform, this.#env, signal)
  }

  async *build(spec: BuildSpec, signal: AbortSignal): AsyncGenerator<BuildProgress, void, undefined> {
    const buildx = await findBuildx(this.#env)
    // The plugin reads the user's proxies itself.
    if (buildx) return yield* buildWithBuildx(buildx, spec, this.#connection.endpoint, this.#env, signal)
    const proxies = proxyVariables(readDockerConfig(this.#env), this.endpoint)
    const config = { ...spec.config, args: { ...proxies, ...spec.config.args } }
    yield* buildClassic(this.#api, { ...spec, config }, (reference) => credentialsFor(reference, this.#env), signal)
  }

  async builtImages(project: string): Promise<readonly string[]> {
    const filters = { label: [`${composeLabels.project}=${project}`] }
    const images = await call('list images', () => this.#api.docker.listImages({ filters }))
    return images.map(({ Id }) => Id)
  }

  async removeImage(reference: string): Promise<void> {
    await call(`remove image ${reference}`, () => this.#api.docker.getImage(reference).remove(), [404])
  }

  async publishedPorts(): Promise<readonly HeldPort[]> {
    const containers = await call('list containers', () => this.#api.docker.listContainers())
    return containers.flatMap((container) =>
      portBindings(container.Ports).map((binding) => ({
        ...binding,
        container: nameOf(container),
        project: container.Labels[composeLabels.project],
      })),
    )
  }

  async createNetwork(model: Model, key: string): Promise<void> {
    const config = model.networks[key]
    if (!config) return
    const { config: pools, driver, options } = config.ipam
    const body = {
      Name: config.name,
      // Engines before API 1.44 allow two networks of one name unless told otherwise.
      CheckDuplicate: true,
      Driver: config.driver ?? 'bridge',
      Options: config.driver_opts,
      Internal: config.internal,
      Attachable: config.attachable,
      EnableIPv6: config.enable_ipv6,
      Labels: networkLabels(model, key),
      IPAM: (pools || driver || options) && {
        Driver: driver ?? 'default',
        Options: options,
        Config: pools?.map(({ subnet, gateway, ip_range, aux_addresses }) => ({
          Subnet: subnet,
          Gateway: gateway,
          IPRange: ip_range,
          AuxiliaryAddresses: aux_addresses,
        })),
      },
    }
    await call(`create network ${config.name}`, () => this.#api.docker.createNetwork(asOptions({}, body)), [409])
  }

  async removeNetwork(id: string): Promise<void> {
    await call(`remove network ${id}`, () => this.#api.docker.getNetwork(id).remove(), [404])
  }

  async createVolume(model: Model, key: string): Promise<void> {
    const config = model.volumes[key]
    if (!config) return
    const body = {
      Name: config.name,
      Driver: config.driver ?? 'local',
      DriverOpts: config.driver_opts,
      Labels: volumeLabels(model, key),
    }
    await call(`create volume ${config.name}`, () =>
      this.#api.docker.createVolume(asOptions<Docker.VolumeCreateOptions>({}, body)),
    )
  }

  async removeVolume(name: string): Promise<void> {
    await call(`remove volume ${name}`, () => this.#api.docker.getVolume(name).remove(), [404])
  }

  async create(spec: ContainerSpec): Promise<string> {
    const inherited = spec.replaces ? await this.#anonymousVolumes(spec.replaces.container, spec) : []
    const { query, body, later } = containerBody(spec, this.#api.version, inherited)
    // Query and body apart: otherwise the whole body, passwords included, goes into the URL as well.
    const container = await call(`create ${spec.name}`, () => this.#api.docker.createContainer(asOptions(query, body)))
    this.#api.named(container.id, spec.name)
    for (const { network, endpoint } of later) {
      const options = asOptions<Docker.NetworkConnectOptions>({}, { Container: container.id, EndpointConfig: endpoint })
      await call(`connect ${spec.name} to ${network}`, async () =>
        this.#api.docker.getNetwork(network).connect(options),
      )
    }
    await copyTexts(this.#api, container.id, spec)
    return container.id
  }

  /** Volumes that the image asked for and no one named: data that would be lost with the old container. */
  async #anonymousVolumes(container: string, { service }: ContainerSpec) {
    const old = await this.#api.inspect(container)
    const named = (service.config.volumes ?? []).filter(({ source }) => source).map(({ target }) => target)
    return (old?.Mounts ?? [])
      .filter(({ Type, Destination }) => Type === 'volume' && !named.includes(Destination))
      .map(({ Name, Destination, RW }) => ({ Type: 'volume', Source: Name, Target: Destination, ReadOnly: !RW }))
  }

  async start(container: string): Promise<void> {
    await call(`start ${this.#api.nameOf(container)}`, () => this.#api.container(container).start(), [304])
  }

  async stop(container: string, timeoutSeconds?: number): Promise<void> {
    await stopContainer(this.#api, container, timeoutSeconds)
  }

  async kill(container: string, signal: string): Promise<void> {
    await signalContainer(this.#api, container, signal)
  }

  async pause(container: string): Promise<void> {
    await call(`pause ${this.#api.nameOf(container)}`, () => this.#api.container(container).pause(), [404])
  }

  async unpause(container: string): Promise<void> {
    await call(`unpause ${this.#api.nameOf(container)}`, () => this.#api.container(container).unpause(), [404])
  }

  async remove(container: string, { volumes = false }: { volumes?: boolean } = {}): Promise<void> {
    // 409: it is being removed already.
    const options = { force: true, v: volumes }
    await call(
      `remove ${this.#api.nameOf(container)}`,
      () => this.#api.container(container).remove(options),
      [404, 409],
    )
  }

  async rename(container: string, name: string): Promise<void> {
    await call(`rename ${this.#api.nameOf(container)}`, async () => this.#api.container(container).rename({ name }))
  }

  async *logs(container: string, options: LogOptions): AsyncGenerator<EngineLogLine> {
    const { follow = false, tail = 'all', since, until, signal } = options
    const within = { tail, since: unixTime(since), until: unixTime(until) }
    const query = { follow, stdout: true, stderr: true, timestamps: true, ...within }
    const found = await this.#api.inspect(container)
    if (!found) return
    try {
      const stream = await this.#api.stream(`/containers/${found.Id}/logs?`, query, signal)
      yield* found.Config.Tty ? terminalLines(stream) : frameLines(stream)
    } catch (thrown) {
      // The container may go (404), be on its way (409), or the reader may: all end the stream.
      const isGone = [404, 409].includes(statusOf(thrown) ?? 0)
      if (!signal?.aborted && !isGone) throw refused(`read the logs of ${this.#api.nameOf(container)}`, thrown)
    }
  }

  exec(container: string, spec: ExecSpec): Promise<Session> {
    return openExec(this.#api, container, spec)
  }

  sync(container: string, files: readonly SyncedFile[]): Promise<void> {
    return syncFiles(this.#api, container, files)
  }

  execDetached(container: string, spec: ExecSpec): Promise<void> {
    return execDetached(this.#api, container, spec)
  }

  attach(container: string, options: AttachOptions): Promise<Session> {
    return attachTo(this.#api, container, options)
  }

  async processes(container: string): Promise<ProcessTable> {
    const top = await call(`list the processes of ${this.#api.nameOf(container)}`, () =>
      this.#api.container(container).top(),
    )
    return { titles: top.Titles ?? [], processes: top.Processes ?? [] }
  }

  async *stats(container: string, signal: AbortSignal): AsyncGenerator<StatsSample> {
    try {
      const stream = await this.#api.stream(`/containers/${container}/stats?`, { stream: true }, signal)
      for await (const message of readJsonLines(stream)) {
        const sample = statsSample(message as StatsMessage)
        if (!sample) return
        yield sample
      }
    } catch (thrown) {
      // One that is gone uses nothing.
      if (!signal.aborted && statusOf(thrown) !== 404)
        throw refused(`read the use of ${this.#api.nameOf(container)}`, thrown)
    }
  }

  async events(project: string, signal: AbortSignal, range: EventRange = {}): Promise<AsyncIterable<EngineEvent>> {
    const filters = {
      type: ['container'],
      label: [`${composeLabels.project}=${project}`],
      // Health checks run as exec: without this list their events drown the others.
      event: Object.keys(eventActions),
    }
    const query = { filters: JSON.stringify(filters), since: unixTime(range.since), until: unixTime(range.until) }
    const stream = await call('listen to events', () => this.#api.stream('/events?', query, signal))
    return readEvents(stream, signal, range.until !== undefined)
  }

  async release(): Promise<void> {}

  async close(): Promise<void> {}
}

async function* readEvents(stream: Readable, signal: AbortSignal, mayEnd: boolean): AsyncGenerator<EngineEvent> {
  try {
    for await (const message of readJsonLines(stream)) {
      const event = engineEvent(message as DockerEvent)
      if (event) yield event
    }
  } catch (thrown) {
    if (!signal.aborted) throw refused('listen to events', thrown)
  }
  if (!signal.aborted && !mayEnd) throw new StackError('DOCKER_UNREACHABLE', 'the Docker engine went away')
}
