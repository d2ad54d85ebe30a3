import { StackError, systemCodeOf } from '../../errors.ts'
import type { Model } from '../../file/model.ts'
import { composeLabels } from '../../identity/labels.ts'
import type {
  Commands,
  ContainerDetail,
  ContainerSpec,
  ContainerState,
  Engine,
  EngineEvent,
  EngineLogLine,
  EventRange,
  HeldPort,
  ImageState,
  LogOptions,
  ProcessTable,
  Resources,
  Session,
  StatsSample,
} from '../engine.ts'
import { embeddedModel, processSpec } from './process-spec.ts'
import { showsUsage } from './process-stats.ts'
import { findSupervisor, type SupervisorClient, startSupervisor } from './supervisor-client.ts'

/** Whether a supervisor answers for this project; clears away what a dead one left. */
export async function isLocalEngineRunning(directory: string): Promise<boolean> {
  return (await findSupervisor(directory)) !== undefined
}

/**
 * The embedded engine of a project: brokers and workers as processes under a supervisor, no Docker. The supervisor
 * is started by the first call that needs one and ends with the project.
 */
export function localEngine(options: LocalEngineOptions): Engine {
  return new LocalEngine(options)
}

interface LocalEngineOptions {
  readonly directory: string
  readonly commands: Commands
  /** Goes with this process, and the supervisor with it. */
  readonly scratch?: string | undefined
}

class LocalEngine implements Engine {
  readonly kind = 'embedded'
  readonly host = '127.0.0.1'
  readonly endpoint: string
  readonly #directory: string
  readonly #commands: Commands
  readonly #scratch: string | undefined
  #client: Promise<SupervisorClient | undefined> | undefined
  #mayStart = false

  constructor({ directory, commands, scratch }: LocalEngineOptions) {
    this.#directory = directory
    this.#commands = commands
    this.#scratch = scratch
    this.endpoint = directory
  }

  prepare(model: Model) {
    // Who prepares a model is going to run it; those who only look start nothing.
    this.#mayStart = true
    // What was found before may have been taken down meanwhile.
    this.#client = undefined
    return embeddedModel(model, this.#commands)
  }

  async containers(project?: string): Promise<readonly ContainerState[]> {
    const isMeant = ({ labels }: ContainerState) => project === undefined || labels[composeLabels.project] === project
    return (await this.#all()).filter(isMeant)
  }

  async resources(): Promise<Resources> {
    return { networks: [], volumes: [] }
  }

  async inspect(container: string): Promise<ContainerDetail | undefined> {
    return (await this.#call<ContainerDetail | null>('GET', path(container))) ?? undefined
  }

  /** Every image is there: none is needed. */
  async images(references: readonly string[]): Promise<Readonly<Record<string, ImageState>>> {
    return Object.fromEntries(references.map((reference) => [reference, { id: 'embedded' }]))
  }

  pull(): never {
    throw needsDocker('to pull an image')
  }

  build(): never {
    throw needsDocker('to build an image')
  }

  async builtImages(): Promise<readonly string[]> {
    return []
  }

  async removeImage(): Promise<void> {}

  async publishedPorts(): Promise<readonly HeldPort[]> {
    return (await this.#all()).flatMap(({ name, labels, ports }) =>
      ports.map((binding) => ({ ...binding, container: name, project: labels[composeLabels.project] })),
    )
  }

  async createNetwork(): Promise<void> {}
  async removeNetwork(): Promise<void> {}
  async createVolume(): Promise<void> {}
  async removeVolume(): Promise<void> {}

  async create(spec: ContainerSpec): Promise<string> {
    this.#mayStart = true
    const created = await this.#call<{ id: string }>('POST', '/containers', processSpec(spec, this.#commands))
    return created?.id ?? spec.name
  }

  async start(container: string): Promise<void> {
    await this.#call('POST', `${path(container)}/start`)
  }

  async stop(container: string, timeoutSeconds?: number): Promise<void> {
    await this.#call(
      'POST',
      `${path(container)}/stop${timeoutSeconds === undefined ? '' : `?timeout=${timeoutSeconds}`}`,
    )
  }

  async kill(container: string, signal: string): Promise<void> {
    await this.#call('POST', `${path(container)}/kill?signal=${encodeURIComponent(signal)}`)
  }

  async pause(): Promise<void> {
    throw needsDocker('pausing containers')
  }

  async unpause(): Promise<void> {
    throw needsDocker('pausing containers')
  }

  async remove(container: string): Promise<void> {
    await this.#call('DELETE', path(container))
  }

  async rename(container: string, name: string): Promise<void> {
    await this.#call('POST', `${path(container)}/rename?name=${encodeURIComponent(name)}`)
  }

  async *logs(container: string, { follow, tail, since, until, signal }: LogOptions): AsyncGenerator<EngineLogLine> {
    const client = await this.#connect()
    if (!client) return
    const query = new URLSearchParams({
      ...(follow && { follow: '' }),
      ...(tail !== undefined && { tail: String(tail) }),
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
    })
    yield* await client.stream<EngineLogLine>(`${path(container)}/logs?${query}`, signal)
  }

  async exec(): Promise<Session> {
    throw needsDocker('running programs in containers')
  }

  /** Processes run in the project's own directory: its files are where they are. */
  async sync(): Promise<void> {}

  async execDetached(): Promise<void> {
    throw needsDocker('running programs in containers')
  }

  async attach(): Promise<Session> {
    throw needsDocker('running programs in containers')
  }

  async processes(): Promise<ProcessTable> {
    throw needsDocker('listing the processes in a container')
  }

  async *stats(container: string, signal: AbortSignal): AsyncGenerator<StatsSample> {
    if (!showsUsage) throw needsDocker('telling what containers use')
    const client = await this.#connect()
    if (client) yield* await client.stream<StatsSample>(`${path(container)}/stats`, signal)
  }

  async events(
    _project: string,
    signal: AbortSignal,
    { since, until }: EventRange = {},
  ): Promise<AsyncIterable<EngineEvent>> {
    const client = await this.#connect()
    const query = new URLSearchParams({ ...(since && { since }), ...(until && { until }) })
    return client ? client.stream(`/events?${query}`, signal) : nothing()
  }

  async release(): Promise<void> {
    if ((await this.#all()).length > 0) return
    await this.#call('POST', '/shutdown')
    this.#client = undefined
  }

  async close(): Promise<void> {}

  async #all(): Promise<readonly ContainerState[]> {
    return (await this.#call<ContainerState[]>('GET', '/containers')) ?? []
  }

  async #call<T>(method: string, path: string, body?: unknown): Promise<T | undefined> {
    try {
      return await (await this.#connect())?.call<T>(method, path, body)
    } catch (thrown) {
      const code = systemCodeOf(thrown)
      if (code !== 'ECONNREFUSED' && !(code === 'ECONNRESET' && method === 'GET')) throw thrown
      // It ended since the last call; another may run by now.
      this.#client = undefined
      return (await this.#connect())?.call<T>(method, path, body)
    }
  }

  #connect(): Promise<SupervisorClient | undefined> {
    this.#client ??= findSupervisor(this.#directory)
    if (this.#mayStart) {
      this.#mayStart = false
      this.#client = this.#client.then((found) => found ?? startSupervisor(this.#directory, this.#scratch))
    }
    return this.#client
  }
}

/** What processes cannot do. */
function needsDocker(what: string): StackError {
  return new StackError('EMBEDDED_UNSUPPORTED', `${what} needs Docker; the embedded engine has processes only`)
}

function path(container: string): string {
  return `/containers/${encodeURIComponent(container)}`
}

async function* nothing(): AsyncGenerator<never> {}
