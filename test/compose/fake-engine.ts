import { Channel } from '../../compose/channel.ts'
import type { BuildProgress, BuildSpec } from '../../compose/engine/build.ts'
import type {
  ContainerDetail,
  ContainerSpec,
  ContainerState,
  Engine,
  EngineEvent,
  EngineLogLine,
  ExecSpec,
  HeldPort,
  ImageState,
  LogOptions,
  OutputChunk,
  ProcessTable,
  PullProgress,
  Resources,
  RunState,
  Session,
  StatsSample,
  SyncedFile,
} from '../../compose/engine/engine.ts'
import { StackError } from '../../compose/errors.ts'
import type { Model } from '../../compose/file/model.ts'

interface FakeContainer {
  readonly spec: ContainerSpec
  name: string
  state: RunState
  health: ContainerState['health']
  exitCode: number
  oomKilled: boolean
  healthOutput: string
  readonly lines: EngineLogLine[]
}

/** An engine in memory whose containers do what the test says. */
export class FakeEngine implements Engine {
  readonly kind = 'docker'
  readonly endpoint = 'fake://'
  readonly host = '127.0.0.1'
  /** What was asked of it, in order: `start shop-redis-1`. */
  readonly calls: string[] = []
  readonly all = new Map<string, FakeContainer>()
  /** Called when a container starts; by default it just runs. */
  onStart: (name: string) => void = () => {}
  /** Thrown, once each, by the call of this text. */
  readonly failures = new Map<string, Error>()
  held: HeldPort[] = []
  /** Names of containers whose logs nobody keeps. */
  readonly unreadable = new Set<string>()
  #isAway = false
  readonly #networks = new Set<string>()
  readonly #events = new Set<Channel<EngineEvent>>()
  readonly #followers = new Map<string, Set<Channel<EngineLogLine>>>()

  prepare(model: Model) {
    return { model, notes: [] }
  }

  async containers(): Promise<readonly ContainerState[]> {
    this.#answers()
    return [...this.all].map(([id, container]) => ({
      id,
      name: container.name,
      image: container.spec.service.config.image ?? '',
      command: '',
      labels: container.spec.labels,
      state: container.state,
      health: container.health,
      exitCode: container.exitCode,
      status: '',
      ports: this.#ports(container),
      networks: Object.keys(container.spec.service.config.networks ?? {}).map((key) => {
        const name = container.spec.model.networks[key]?.name ?? key
        return { name, id: name }
      }),
      volumes: [],
    }))
  }

  async resources(): Promise<Resources> {
    return { networks: [...this.#networks].map((name) => ({ id: name, name, labels: {} })), volumes: [] }
  }

  async inspect(id: string): Promise<ContainerDetail | undefined> {
    const container = this.all.get(id)
    if (!container) return undefined
    const { spec, name, state, health, exitCode, oomKilled, healthOutput } = container
    const environment = Object.entries(spec.service.config.environment ?? {}).map(([key, value]) => [key, value ?? ''])
    return {
      id,
      name,
      state,
      health,
      exitCode,
      oomKilled,
      healthOutput,
      error: '',
      hostname: `host-${name}`,
      environment: Object.fromEntries(environment),
      ports: this.#ports(container),
      command: [],
    }
  }

  async images(references: readonly string[]): Promise<Readonly<Record<string, ImageState>>> {
    return Object.fromEntries(references.map((reference) => [reference, { id: `sha256:${reference}` }]))
  }

  async *pull(reference: string): AsyncGenerator<PullProgress> {
    this.#called(`pull ${reference}`)
    yield { fraction: 0.5, layers: { [reference]: { total: 100, downloaded: 60, extracted: 10 } } }
    yield { fraction: 1, layers: { [reference]: { total: 100, downloaded: 100, extracted: 100 } } }
  }

  async *build({ images }: BuildSpec): AsyncGenerator<BuildProgress> {
    yield { kind: 'step', step: 1, of: 2, instruction: 'FROM x' }
    yield { kind: 'step', step: 2, of: 2, instruction: 'RUN make' }
    yield { kind: 'output', text: 'made' }
    this.#called(`build ${images.join(', ')}`)
  }

  async builtImages(): Promise<readonly string[]> {
    return []
  }

  async removeImage(reference: string): Promise<void> {
    this.#called(`remove image ${reference}`)
  }

  async exec(id: string, { command }: ExecSpec): Promise<Session> {
    this.#called(`exec ${this.#get(id).name} ${command.join(' ')}`)
    return new FakeSession()
  }

  async sync(id: string, files: readonly SyncedFile[]): Promise<void> {
    this.#called(`sync ${files.map(({ target }) => target).join(', ')} to ${this.#get(id).name}`)
  }

  async execDetached(id: string, { command }: ExecSpec): Promise<void> {
    this.#called(`exec ${this.#get(id).name} ${command.join(' ')}`)
  }

  async attach(id: string): Promise<Session> {
    this.#called(`attach ${this.#get(id).name}`)
    return new FakeSession()
  }

  async processes(): Promise<ProcessTable> {
    return { titles: ['PID', 'CMD'], processes: [['1', 'sleep']] }
  }

  async publishedPorts(): Promise<readonly HeldPort[]> {
    return this.held
  }

  async createNetwork(model: Model, key: string): Promise<void> {
    const name = model.networks[key]?.name ?? key
    this.#called(`create network ${name}`)
    this.#networks.add(name)
  }
  async removeNetwork(id: string): Promise<void> {
    this.#called(`remove network ${id}`)
  }
  async createVolume(model: Model, key: string): Promise<void> {
    this.#called(`create volume ${model.volumes[key]?.name}`)
  }
  async removeVolume(name: string): Promise<void> {
    this.#called(`remove volume ${name}`)
  }

  async create(spec: ContainerSpec): Promise<string> {
    const name = spec.replaces?.temporaryName ?? spec.name
    this.#called(`create ${name}`)
    // As long as Docker's, and different from the first digit that counts.
    const id = this.calls.length.toString(16).padStart(12, '0').padEnd(64, '0')
    this.all.set(id, {
      spec,
      name,
      state: 'created',
      health: 'none',
      exitCode: 0,
      oomKilled: false,
      healthOutput: '',
      lines: [],
    })
    return id
  }

  async start(id: string): Promise<void> {
    const container = this.#get(id)
    this.#called(`start ${container.name}`)
    container.state = 'running'
    container.health = container.spec.service.config.healthcheck ? 'starting' : 'none'
    this.#emit(id, 'start')
    this.onStart(container.name)
  }

  async stop(id: string): Promise<void> {
    this.#called(`stop ${this.#get(id).name}`)
    this.die(this.#get(id).name, 143)
  }

  async kill(id: string, signal: string): Promise<void> {
    this.#called(`kill ${this.#get(id).name} ${signal}`)
  }

  async pause(id: string): Promise<void> {
    this.#called(`pause ${this.#get(id).name}`)
    this.#get(id).state = 'paused'
  }

  async unpause(id: string): Promise<void> {
    this.#called(`unpause ${this.#get(id).name}`)
    this.#get(id).state = 'running'
  }

  async remove(id: string): Promise<void> {
    this.#called(`remove ${this.#get(id).name}`)
    this.#emit(id, 'destroy')
    this.all.delete(id)
  }

  async rename(id: string, name: string): Promise<void> {
    this.#called(`rename ${this.#get(id).name} to ${name}`)
    this.#get(id).name = name
  }

  async *logs(id: string, { follow, tail, since }: LogOptions): AsyncGenerator<EngineLogLine> {
    this.#answers()
    const container = this.all.get(id)
    if (!container) return
    if (this.unreadable.has(container.name)) throw new StackError('LOGS_UNREADABLE', 'cannot read')
    const lines = container.lines.filter(({ time }) => since === undefined || time >= since)
    const channel = new Channel<EngineLogLine>()
    if (follow && container.state === 'running') this.#followersOf(id).add(channel)
    else channel.close()
    yield* tail === undefined ? lines : lines.slice(-tail)
    yield* channel
  }

  async *stats(id: string, signal: AbortSignal): AsyncGenerator<StatsSample> {
    const rest = { memoryLimitBytes: 100, network: undefined, disk: undefined, processes: 1 }
    yield { cpuPercent: undefined, memoryBytes: 10, ...rest }
    yield { cpuPercent: 50, memoryBytes: 20, ...rest }
    if (this.#get(id).state !== 'running' || signal.aborted) return
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  }

  async events(): Promise<AsyncIterable<EngineEvent>> {
    this.#answers()
    const channel = new Channel<EngineEvent>()
    this.#events.add(channel)
    return channel
  }

  async release(): Promise<void> {}
  async close(): Promise<void> {}

  /** What a container does by itself. */

  write(name: string, text: string, time: string): void {
    const [id, container] = this.#named(name)
    const line: EngineLogLine = { stream: 'stdout', time, text }
    container.lines.push(line)
    for (const follower of this.#followersOf(id)) void follower.push(line)
  }

  become(name: string, health: ContainerState['health'], output = ''): void {
    const [id, container] = this.#named(name)
    container.health = health
    container.healthOutput = output
    this.#emit(id, 'health')
  }

  die(name: string, exitCode: number, oomKilled = false): void {
    const [id, container] = this.#named(name)
    container.state = 'exited'
    container.exitCode = exitCode
    container.oomKilled = oomKilled
    for (const follower of this.#followersOf(id)) follower.close()
    this.#followersOf(id).clear()
    this.#emit(id, 'die')
  }

  /** The engine itself ends; its containers run on. */
  goAway(): void {
    this.#isAway = true
    const away = new StackError('DOCKER_UNREACHABLE', 'the engine went away')
    for (const channel of [...this.#events, ...[...this.#followers.values()].flatMap((all) => [...all])]) {
      channel.close(away)
    }
    this.#events.clear()
    this.#followers.clear()
  }

  comeBack(): void {
    this.#isAway = false
  }

  #answers(): void {
    if (this.#isAway) throw new StackError('DOCKER_UNREACHABLE', 'nobody answers')
  }

  /** Ends, and is started again by the engine, as with `restart: always`. */
  restart(name: string, exitCode: number): void {
    const [id, container] = this.#named(name)
    this.die(name, exitCode)
    container.state = 'restarting'
    setImmediate(() => {
      if (container.state !== 'restarting') return
      container.state = 'running'
      this.#emit(id, 'start')
      this.onStart(name)
    })
  }

  #named(name: string): [string, FakeContainer] {
    const entry = [...this.all].find(([, container]) => container.name === name)
    if (!entry) throw new Error(`no container ${name}`)
    return entry
  }

  #get(id: string): FakeContainer {
    const container = this.all.get(id)
    if (!container) throw new Error(`no container ${id}`)
    return container
  }

  #ports({ spec, state }: FakeContainer) {
    return state === 'running'
      ? spec.ports.flatMap((one) => (one.port === undefined ? [] : [{ ...one, port: one.port }]))
      : []
  }

  #followersOf(id: string): Set<Channel<EngineLogLine>> {
    const followers = this.#followers.get(id) ?? new Set()
    this.#followers.set(id, followers)
    return followers
  }

  #called(call: string): void {
    this.calls.push(call)
    const failure = this.failures.get(call)
    this.failures.delete(call)
    if (failure) throw failure
  }

  #emit(id: string, action: EngineEvent['action']): void {
    const { name, spec, exitCode, health } = this.#get(id)
    const event: EngineEvent = {
      action,
      time: new Date().toISOString(),
      container: id,
      name,
      labels: spec.labels,
      exitCode,
      health,
    }
    for (const channel of this.#events) void channel.push(event)
  }
}

/** A program that echoes what it reads. */
class FakeSession implements Session {
  readonly #echo = new Channel<OutputChunk>()

  output(): AsyncIterable<OutputChunk> {
    return this.#echo
  }
  async write(payload: Uint8Array): Promise<void> {
    void this.#echo.push({ stream: 'stdout', payload })
  }
  end(): void {
    this.#echo.close()
  }
  async resize(): Promise<void> {}
  async exitCode(): Promise<number> {
    return 0
  }
  close(): void {
    this.#echo.close()
  }
}
