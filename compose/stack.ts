import { chooseEngine } from './engine/choose.ts'
import type { Commands, Session } from './engine/engine.ts'
import { type Emit, emitted, type StackEvent } from './events.ts'
import type { Probes } from './execute/probe.ts'
import type { Environment } from './file/discover.ts'
import type { Project } from './file/model.ts'
import { openProject } from './file/project.ts'
import { type BuildOptions, build } from './verbs/build.ts'
import type { Context, Doing } from './verbs/context.ts'
import { type DownOptions, down } from './verbs/down.ts'
import { type EachOptions, type KillOptions, kill, pause, type RmOptions, rm, unpause } from './verbs/each.ts'
import { environmentOf } from './verbs/environment.ts'
import { type ContainerEvent, type ContainerEventsOptions, containerEvents } from './verbs/events.ts'
import { type ExecOptions, exec, execDetached } from './verbs/exec.ts'
import type { LogLine, LogsOptions } from './verbs/history.ts'
import { type ContainerImage, imagesOf } from './verbs/images.ts'
import { readLogs } from './verbs/logs.ts'
import { type PortOptions, type PublicAddress, publicPort } from './verbs/port.ts'
import { type ContainerStatus, statusOf } from './verbs/ps.ts'
import { type PullOptions, pull } from './verbs/pull.ts'
import { type OneOff, type RunOptions, run } from './verbs/run.ts'
import { restart, start } from './verbs/start.ts'
import { type ContainerStats, type StatsOptions, statsOf } from './verbs/stats.ts'
import { type LifecycleOptions, stop } from './verbs/stop.ts'
import { type ContainerProcesses, topOf } from './verbs/top.ts'
import { scale, type UpOptions, up } from './verbs/up.ts'
import { type Ended, waitFor } from './verbs/wait.ts'
import { type WatchOptions, watch } from './verbs/watch.ts'

/** What `openStack` takes. */
export interface OpenStackOptions {
  /** Where to look for a compose.yaml, then each parent. @default the working directory */
  readonly directory?: string | undefined
  /** `-f`: these files instead, the later over the earlier. */
  readonly files?: readonly string[] | undefined
  /** `-p` */
  readonly projectName?: string | undefined
  /** `--project-directory`. @default that of the first file */
  readonly projectDirectory?: string | undefined
  /** `--env-file`: these instead of `.env`, the later over the earlier. @default COMPOSE_ENV_FILES */
  readonly envFiles?: readonly string[] | undefined
  /** `--profile`. @default COMPOSE_PROFILES */
  readonly profiles?: readonly string[] | undefined
  /** @default process.env */
  readonly env?: Environment | undefined
  /** `auto`: the endpoint the docker CLI would use, if it answers, else embedded. @default 'auto' */
  readonly engine?: 'auto' | 'docker' | 'embedded' | undefined
  /** A busy port is an error instead of the next free one. @default false */
  readonly strictPorts?: boolean | undefined
  /** How to find out whether a service of a role really answers. */
  readonly probes?: Probes | undefined
  /** How the embedded engine starts a broker and our own CLI. */
  readonly commands: Commands
  /**
   * A directory around the project that goes with this process: when it ends, however it does, the embedded engine
   * ends the stack and removes the directory.
   */
  readonly scratch?: string | undefined
  /** Ends everything this stack is doing. */
  readonly signal?: AbortSignal | undefined
}

/** A project and the engine it runs on. */
export interface Stack {
  readonly project: Project
  readonly engine: {
    readonly kind: 'docker' | 'embedded'
    readonly endpoint: string
    /** One line: why this one. */
    readonly reason: string
  }
  /** Makes things as the file asks; ends when every service is ready, throws the cause when one is not. */
  up(options?: UpOptions): AsyncIterable<StackEvent>
  /** Removes everything of this project and nothing else; needs no valid file. */
  down(options?: DownOptions): AsyncIterable<StackEvent>
  /** Builds the images of services; throws the first failure. */
  build(options?: BuildOptions): AsyncIterable<StackEvent>
  /** Fetches the images of services; throws the first failure. */
  pull(options?: PullOptions): AsyncIterable<StackEvent>
  /** The images that the containers were made of. */
  images(): Promise<readonly ContainerImage[]>
  /** Restarts, builds or copies when files change, as `develop.watch` says; ends with its reader. */
  watch(options?: WatchOptions): AsyncIterable<StackEvent>
  /** Makes as many containers of services as asked for: `{ worker: 4 }`; what else there is stays as it is. */
  scale(numbers: Readonly<Record<string, number>>): AsyncIterable<StackEvent>
  /** Stops containers and leaves them there. Needs no valid file, as all that follow. */
  stop(options?: LifecycleOptions): AsyncIterable<StackEvent>
  /** Starts containers that stand, as they are; ends when they are ready. */
  start(options?: LifecycleOptions): AsyncIterable<StackEvent>
  /** Stops and starts containers, and those that want it with them (`depends_on.restart`); ends when they are ready. */
  restart(options?: LifecycleOptions): AsyncIterable<StackEvent>
  kill(options?: KillOptions): AsyncIterable<StackEvent>
  pause(options?: EachOptions): AsyncIterable<StackEvent>
  unpause(options?: EachOptions): AsyncIterable<StackEvent>
  /** Removes containers that stand. */
  rm(options?: RmOptions): AsyncIterable<StackEvent>
  /** Runs a program in a container of a service. */
  exec(options: ExecOptions): Promise<Session>
  /** Runs one and leaves it to itself. */
  execDetached(options: ExecOptions): Promise<void>
  /**
   * Runs a service once more in a container of its own, after what it depends on; `tell` hears of that.
   *
   * @throws {StackError} whatever `up` throws
   */
  run(options: RunOptions, tell?: (event: StackEvent) => void): Promise<OneOff>
  ps(): Promise<readonly ContainerStatus[]>
  /** The processes in containers that run. */
  top(services?: readonly string[]): Promise<readonly ContainerProcesses[]>
  /** Where a port of a service is reached from this machine. */
  port(options: PortOptions): Promise<PublicAddress>
  /** What containers use, once a second each. */
  stats(options?: StatsOptions): AsyncIterable<ContainerStats>
  /** What happens to containers. */
  events(options?: ContainerEventsOptions): AsyncIterable<ContainerEvent>
  /** How the first container of these services ends. */
  wait(services: readonly string[]): Promise<Ended>
  logs(options?: LogsOptions): AsyncIterable<LogLine>
  /**
   * The environment of a service (the first worker, if none is named) with every address as it is reached from this
   * machine.
   *
   * @throws {StackError} SERVICE_UNKNOWN
   */
  environment(service?: string): Promise<Readonly<Record<string, string>>>
  close(): Promise<void>
}

/**
 * Finds a project and the engine to run it on. What the file says is judged by `up` and `environment` alone.
 *
 * @throws {StackError} COMPOSE_FILE_NOT_FOUND, PROJECT_NAME_INVALID; DOCKER_… when Docker was asked for
 * @example
 * const stack = await openStack({ commands: { broker: ['node', bin, 'broker'], bin: ['node', bin] } })
 * for await (const event of stack.up()) console.log(event)
 */
export async function openStack(options: OpenStackOptions): Promise<Stack> {
  const project = openProject(options)
  const env = options.env ?? process.env
  const { engine, reason } = await chooseEngine({
    wanted: options.engine ?? 'auto',
    env,
    directory: project.directory,
    stray: project.files.length === 0 ? project.name : undefined,
    commands: options.commands,
    scratch: options.scratch,
  })
  const { name, directory, files } = project
  const { probes = {}, strictPorts = false } = options
  const context: Context = { project, engine, reason, env, probes, strictPorts }
  const doing = (verb: (doing: Doing) => Promise<void>) =>
    emitted((emit, signal) => verb({ emit, signal }), options.signal)
  return Object.freeze({
    project: Object.freeze({ name, directory, files }),
    engine: Object.freeze({ kind: engine.kind, endpoint: engine.endpoint, reason }),
    up: (given: UpOptions = {}) => doing((now) => up(context, given, now)),
    down: (given: DownOptions = {}) => doing((now) => down(context, given, now)),
    build: (given: BuildOptions = {}) => doing((now) => build(context, given, now)),
    pull: (given: PullOptions = {}) => doing((now) => pull(context, given, now)),
    images: () => imagesOf(engine, name),
    watch: (given: WatchOptions = {}) => doing((now) => watch(context, given, now)),
    scale: (numbers: Readonly<Record<string, number>>) => doing((now) => scale(context, numbers, now)),
    stop: (given: LifecycleOptions = {}) => doing((now) => stop(context, given, now)),
    start: (given: LifecycleOptions = {}) => doing((now) => start(context, given, now)),
    restart: (given: LifecycleOptions = {}) => doing((now) => restart(context, given, now)),
    kill: (given: KillOptions = {}) => doing((now) => kill(context, given, now)),
    pause: (given: EachOptions = {}) => doing((now) => pause(context, given, now)),
    unpause: (given: EachOptions = {}) => doing((now) => unpause(context, given, now)),
    rm: (given: RmOptions = {}) => doing((now) => rm(context, given, now)),
    exec: (given: ExecOptions) => exec(engine, name, given),
    execDetached: (given: ExecOptions) => execDetached(engine, name, given),
    run: (given: RunOptions, tell: Emit = () => {}) =>
      run(context, given, { emit: tell, signal: options.signal ?? new AbortController().signal }),
    ps: () => statusOf(engine, name, probes, options.signal),
    top: (services: readonly string[] = []) => topOf(engine, name, services),
    port: (port: PortOptions) => publicPort(engine, name, port),
    stats: (given: StatsOptions = {}) =>
      statsOf(engine, name, { ...given, signal: eitherSignal(given.signal, options.signal) }),
    events: (given: ContainerEventsOptions = {}) =>
      containerEvents(engine, name, { ...given, signal: eitherSignal(given.signal, options.signal) }),
    wait: (services: readonly string[]) =>
      waitFor(engine, name, services, options.signal ?? new AbortController().signal),
    logs: (logs: LogsOptions = {}) => readLogs(context, { ...logs, signal: eitherSignal(logs.signal, options.signal) }),
    environment: (service?: string) => environmentOf(engine, project, service),
    close: () => engine.close(),
  })
}

function eitherSignal(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  return a && b ? AbortSignal.any([a, b]) : (a ?? b)
}
