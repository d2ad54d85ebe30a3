import type { Model, Service } from '../file/model.ts'
import type { BuildProgress, BuildSpec } from './build.ts'

/**
 * Where containers run: a Docker engine, or child processes that behave like its containers. What stack, reconcile
 * and execute need and no more; test/conformance/engine.ts says what every engine must do.
 *
 * Stopping what stands, starting what runs and removing what is gone are no errors.
 */
export interface Engine {
  readonly kind: 'docker' | 'embedded'
  readonly endpoint: string
  /** Where published ports are reached: `127.0.0.1`, or the host of a distant engine. */
  readonly host: string

  /** The model as this engine can run it, and what differs, a sentence each. */
  prepare(model: Model): { readonly model: Model; readonly notes: readonly string[] }

  /** Every container of a project, running or not, one-off runs included; of all projects when none is named. */
  containers(project?: string): Promise<readonly ContainerState[]>
  /** The networks and volumes of a project, and those of these names, whoever owns them. */
  resources(project: string, names?: ResourceNames): Promise<Resources>
  /** What the list does not tell: environment, exit, the last health check. Undefined when it is gone. */
  inspect(container: string): Promise<ContainerDetail | undefined>
  /** The images that are in the local store, by the reference asked for. */
  images(references: readonly string[]): Promise<Readonly<Record<string, ImageState>>>
  /** Fetches an image, with the credentials that the user has for its registry. */
  pull(reference: string, platform: string | undefined, signal: AbortSignal): AsyncIterable<PullProgress>
  /** Makes an image out of a Dockerfile, and gives it its names. */
  build(spec: BuildSpec, signal: AbortSignal): AsyncIterable<BuildProgress>
  /** Images that were built for a project, by id. */
  builtImages(project: string): Promise<readonly string[]>
  /** @throws {StackError} RESOURCE_IN_USE when others have containers of it */
  removeImage(reference: string): Promise<void>
  /** Every port any container publishes on the host. */
  publishedPorts(): Promise<readonly HeldPort[]>

  createNetwork(model: Model, key: string): Promise<void>
  removeNetwork(id: string): Promise<void>
  createVolume(model: Model, key: string): Promise<void>
  removeVolume(name: string): Promise<void>

  /** Returns the id. */
  create(spec: ContainerSpec): Promise<string>
  start(container: string): Promise<void>
  /**
   * Asks the container to end, then makes it end; without a timeout its own grace period counts, as far as anybody in
   * it can hear the question.
   */
  stop(container: string, timeoutSeconds?: number): Promise<void>
  /** Sends a signal (`SIGHUP`, `9`) to the first process of a container; one that stands needs none. */
  kill(container: string, signal: string): Promise<void>
  /** Lets nothing in a container run until it is unpaused. */
  pause(container: string): Promise<void>
  unpause(container: string): Promise<void>
  remove(container: string, options?: { volumes?: boolean }): Promise<void>
  rename(container: string, name: string): Promise<void>

  /** What a container wrote, oldest first; with `follow` until it ends. Every line carries its time. */
  logs(container: string, options: LogOptions): AsyncIterable<EngineLogLine>
  /** Runs a program in a container that runs. */
  exec(container: string, spec: ExecSpec): Promise<Session>
  /** Runs a program in a container that runs, and leaves it to itself. */
  execDetached(container: string, spec: ExecSpec): Promise<void>
  /** Makes files of a container what they are on this machine, or are no more. */
  sync(container: string, files: readonly SyncedFile[]): Promise<void>
  /** The first program of a container that is about to be started, with its streams. */
  attach(container: string, options: AttachOptions): Promise<Session>
  /** The processes in a container that runs, as `ps` shows them. */
  processes(container: string): Promise<ProcessTable>
  /** What a container uses: a sample at once, then one a second, until it ends or the signal aborts. */
  stats(container: string, signal: AbortSignal): AsyncIterable<StatsSample>
  /**
   * What happens to a project's containers from now on, or since a time, as far as the engine remembers; resolves once
   * nothing can be missed any more.
   */
  events(project: string, signal: AbortSignal, range?: EventRange): Promise<AsyncIterable<EngineEvent>>

  /** A project was taken down: lets go of what the engine keeps for it besides. */
  release(project: string): Promise<void>
  close(): Promise<void>
}

/** Names by which networks and volumes are looked for. */
export interface ResourceNames {
  readonly networks: readonly string[]
  readonly volumes: readonly string[]
}

/** Networks and volumes that were found. */
export interface Resources {
  readonly networks: readonly NetworkState[]
  readonly volumes: readonly VolumeState[]
}

/** Docker's own words. */
export type RunState = 'created' | 'running' | 'restarting' | 'paused' | 'exited' | 'dead' | 'removing'
/** `none` when nothing checks it. */
export type Health = 'none' | 'starting' | 'healthy' | 'unhealthy'

/** What the list of containers tells of one. */
export interface ContainerState {
  readonly id: string
  readonly name: string
  readonly image: string
  readonly command: string
  readonly labels: Readonly<Record<string, string>>
  readonly state: RunState
  readonly health: Health
  readonly exitCode: number | undefined
  /** For people: `Up 3 minutes (healthy)`. */
  readonly status: string
  readonly ports: readonly PortBinding[]
  /** The networks it is attached to; the id of one that stands still may be empty. */
  readonly networks: readonly { readonly name: string; readonly id: string }[]
  /** Names of the volumes it mounts. */
  readonly volumes: readonly string[]
  /** The address of a service that stands in for the one the file names; its scheme and password count. */
  readonly url?: string
}

/** What is told of one container alone. */
export interface ContainerDetail {
  readonly id: string
  readonly name: string
  readonly state: RunState
  readonly hostname: string
  /** As the service set it; variables of the image itself are left out. */
  readonly environment: Readonly<Record<string, string>>
  readonly health: Health
  readonly exitCode: number
  readonly oomKilled: boolean
  /** What the engine said when it could not start it. */
  readonly error: string
  /** What the last health check printed. */
  readonly healthOutput: string
  /** How often it failed in a row, and how often it may. */
  readonly healthFailures?: { readonly count: number; readonly limit: number } | undefined
  /** Bytes of memory it may use, if there is a limit. */
  readonly memoryLimit?: number | undefined
  readonly ports: readonly PortBinding[]
  readonly command: readonly string[]
}

/** A port of a container as it is published. */
export interface PortBinding {
  /** `127.0.0.1`, `0.0.0.0`, `::` … */
  readonly host: string
  readonly port: number
  readonly target: number
  readonly protocol: string
}

/** A published port and the container that has it. */
export interface HeldPort extends PortBinding {
  readonly container: string
  readonly project: string | undefined
}

/** A network that exists. */
export interface NetworkState {
  readonly id: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

/** A volume that exists. */
export interface VolumeState {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

/** An image in the local store. */
export interface ImageState {
  /** What containers made of it are labelled with. */
  readonly id: string
  /** Of the index it is in, where the store has such: what older releases of Compose label with. */
  readonly index?: string
  /** `linux/amd64` */
  readonly platform?: string
  /** Bytes. */
  readonly size?: number
  /** RFC 3339. */
  readonly created?: string
  /** RFC 3339: when it got its name here, by a pull or a build. */
  readonly tagged?: string
}

/** How far a pull is. */
export interface PullProgress {
  /** 0 … 1; never goes back. */
  readonly fraction: number
  /** By id; those that were there already have no weight. */
  readonly layers: Readonly<Record<string, Layer>>
}

/** A layer on its way, in bytes; of total 0 as long as its size is not known. */
export interface Layer {
  readonly total: number
  readonly downloaded: number
  readonly extracted: number
}

/** All that is needed to create one container. */
export interface ContainerSpec {
  readonly name: string
  readonly model: Model
  readonly service: Service
  readonly labels: Readonly<Record<string, string>>
  /** The ports as they were chosen, in the order of the service's own list. */
  readonly ports: readonly ChosenPort[]
  /** The container this one takes over from: its anonymous volumes stay, and its name until it is gone. */
  readonly replaces: { readonly container: string; readonly temporaryName: string } | undefined
  /** A run of its own, which others do not find under the name of the service. */
  readonly oneOff?: {
    /** Whether the engine removes it as soon as it ends. */
    readonly isRemoved: boolean
    /** Whether it is found under the service's names all the same. */
    readonly hasAliases: boolean
  }
}

/** A port to publish. */
export interface ChosenPort {
  readonly host: string
  /** Undefined: the engine takes any free one. */
  readonly port: number | undefined
  readonly target: number
  readonly protocol: string
}

/** A program to run in a container. */
export interface ExecSpec {
  readonly command: readonly string[]
  /** Whether it gets a terminal of its own. */
  readonly tty: boolean
  /** Besides the container's. */
  readonly environment?: Readonly<Record<string, string>>
  /** @default that of the container */
  readonly user?: string | undefined
  readonly directory?: string | undefined
  readonly isPrivileged?: boolean
}

/** A file on this machine and its place in a container, both absolute. */
export interface SyncedFile {
  readonly source: string
  readonly target: string
}

/** How to attach to a container. */
export interface AttachOptions {
  /** Whether the container has a terminal. */
  readonly tty: boolean
  /** Whether it reads what is written to it. */
  readonly stdin: boolean
}

/** A program in a container and its streams. */
export interface Session {
  /** What it writes, until it ends; with a terminal everything is `stdout`. */
  output(): AsyncIterable<OutputChunk>
  /** Resolves when there is room for more. */
  write(chunk: Uint8Array): Promise<void>
  /** Says that nothing more will be written. */
  end(): void
  /** Of its terminal. */
  resize(columns: number, rows: number): Promise<void>
  /** Once the output has ended. */
  exitCode(): Promise<number>
  /** Lets go of it, whether it has ended or not. */
  close(): void
}

/** A piece of what a program wrote, cut anywhere. */
export interface OutputChunk {
  readonly stream: 'stdout' | 'stderr'
  readonly payload: Uint8Array
}

/** What a container uses at one moment. */
export interface StatsSample {
  /** Since the last sample, of one processor: two that are busy are 200. Undefined in the first. */
  readonly cpuPercent: number | undefined
  /** Without files that are only cached. */
  readonly memoryBytes: number
  readonly memoryLimitBytes: number | undefined
  /** Since it began; undefined without a network of its own. */
  readonly network: { readonly receivedBytes: number; readonly sentBytes: number } | undefined
  /** Since it began. */
  readonly disk: { readonly readBytes: number; readonly writtenBytes: number } | undefined
  readonly processes: number | undefined
}

/** Times in RFC 3339. */
export interface EventRange {
  readonly since?: string | undefined
  /** The stream ends then. */
  readonly until?: string | undefined
}

/** Processes as the engine's `ps` shows them: columns by their titles, a row each. */
export interface ProcessTable {
  readonly titles: readonly string[]
  readonly processes: readonly (readonly string[])[]
}

/** Which lines of a log. */
export interface LogOptions {
  readonly follow?: boolean
  /** The last so many lines. */
  readonly tail?: number | undefined
  /** RFC 3339 with up to nine digits of a second; lines of this very time are included. */
  readonly since?: string | undefined
  /** Likewise; nothing later. */
  readonly until?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** One line of one container. */
export interface EngineLogLine {
  readonly stream: 'stdout' | 'stderr'
  /** RFC 3339, UTC; nine digits of a second from Docker. Compares as text. */
  readonly time: string
  readonly text: string
}

/** Something that happened to a container. */
export interface EngineEvent {
  readonly action:
    | 'create'
    | 'start'
    | 'kill'
    | 'stop'
    | 'restart'
    | 'pause'
    | 'unpause'
    | 'die'
    | 'oom'
    | 'health'
    | 'destroy'
    | 'rename'
  /** RFC 3339, UTC. */
  readonly time: string
  readonly container: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** With `die`. */
  readonly exitCode?: number
  /** With `health`. */
  readonly health?: Health
}

/** The command lines by which the embedded engine starts processes. */
export interface Commands {
  /** Starts a broker; gets `--port N` and reads its password from CELERY_SANDBOX_BROKER_PASSWORD. */
  readonly broker: readonly string[]
  /** Runs our own CLI. */
  readonly bin: readonly string[]
}
