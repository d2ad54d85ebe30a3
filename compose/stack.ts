import { dismantle } from './dismantle.ts'
import { chooseEngine } from './engine/choose.ts'
import type { Commands, Engine } from './engine/engine.ts'
import { environmentOf } from './environment.ts'
import { StackError } from './errors.ts'
import { type Emit, emitted, type StackEvent } from './events.ts'
import { execute } from './execute.ts'
import { chooseFamily } from './family.ts'
import type { Environment } from './file/discover.ts'
import { type OpenedProject, openProject } from './file/project.ts'
import { withDependencies } from './graph.ts'
import { whileAlone } from './lock.ts'
import { type LogLine, type LogsOptions, readLogs } from './logs.ts'
import type { Model, Project } from './model.ts'
import { observe } from './observe.ts'
import { planLines } from './plan.ts'
import { PortClaims } from './port-claims.ts'
import { refuseElsewhere, refuseMissingExternals } from './preconditions.ts'
import type { Probes } from './probe.ts'
import { type ContainerStatus, statusOf } from './ps.ts'
import { pullOperations, type ReconcileOptions, reconcile } from './reconcile.ts'
import { Watch } from './watch.ts'

/** What `openStack` takes. */
export interface OpenStackOptions {
  /** Where to look for a compose.yaml, then each parent. @default the working directory */
  readonly directory?: string | undefined
  /** `-f`: these files instead, the later over the earlier. */
  readonly files?: readonly string[] | undefined
  /** `-p` */
  readonly projectName?: string | undefined
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

/** What `up` takes. */
export interface UpOptions extends ReconcileOptions {
  /** Only these and what they depend on. */
  readonly services?: readonly string[] | undefined
  /** `--scale`: how many containers instead of what the file says. */
  readonly scale?: Readonly<Record<string, number>> | undefined
  /** Only says what would be done. @default false */
  readonly dryRun?: boolean | undefined
  /** How long one service may take to become ready. @default 120 */
  readonly timeoutSeconds?: number | undefined
  /** Takes over a project of the same name from another directory. @default false */
  readonly anyDirectory?: boolean | undefined
}

/** What `down` takes. */
export interface DownOptions {
  /** Removes volumes too. @default false */
  readonly volumes?: boolean | undefined
  /** Before a container is killed; otherwise its own grace period. */
  readonly timeoutSeconds?: number | undefined
  /** Takes down a project of the same name from another directory. @default false */
  readonly anyDirectory?: boolean | undefined
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
  ps(): Promise<readonly ContainerStatus[]>
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
    commands: options.commands,
    scratch: options.scratch,
  })
  const { name, directory, files } = project
  const context: Context = { project, engine, reason, env, options }
  return Object.freeze({
    project: Object.freeze({ name, directory, files }),
    engine: Object.freeze({ kind: engine.kind, endpoint: engine.endpoint, reason }),
    up: (up: UpOptions = {}) =>
      emitted((emit, signal) => {
        const work = () => bringUp(context, up, emit, signal)
        return up.dryRun ? work() : alone(context, 'up', emit, signal, work)
      }, options.signal),
    down: (down: DownOptions = {}) =>
      emitted(
        (emit, signal) => alone(context, 'down', emit, signal, () => takeDown(context, down, emit, signal)),
        options.signal,
      ),
    ps: () => statusOf(engine, name, options.probes ?? {}, options.signal),
    logs: (logs: LogsOptions = {}) =>
      readLogs(engine, name, { ...logs, signal: eitherSignal(logs.signal, options.signal) }),
    environment: (service?: string) => environmentOf(engine, project, service),
    close: () => engine.close(),
  })
}

interface Context {
  readonly project: OpenedProject
  readonly engine: Engine
  readonly reason: string
  readonly env: Environment
  readonly options: OpenStackOptions
}

function eitherSignal(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  return a && b ? AbortSignal.any([a, b]) : (a ?? b)
}

/** One command after another. Without files there is no directory that the project could be locked by. */
function alone(
  { project }: Context,
  holder: string,
  emit: Emit,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  if (project.files.length === 0) return work()
  const onWait = (other: string) => emit({ type: 'warning', message: `waiting for ${other}` })
  return whileAlone(project.directory, { holder, onWait, signal }, work)
}

/** Plan, then act. */
async function bringUp(context: Context, options: UpOptions, emit: Emit, signal: AbortSignal): Promise<void> {
  const startedAt = Date.now()
  const { project, engine, reason, env } = context
  const { strictPorts = false, probes = {} } = context.options
  emit({ type: 'engine', kind: engine.kind, endpoint: engine.endpoint, reason })
  const { model, notes } = engine.prepare(selected(project.model(), options))
  for (const message of [...model.warnings, ...notes]) emit({ type: 'warning', message })
  // Events first: what happens between the look and the act is not missed.
  const watch = await Watch.open(engine, model.name, signal)
  try {
    await pullAlways(context, model, emit, signal)
    const observed = await observe(engine, model)
    if (!options.anyDirectory) refuseElsewhere(project, observed.containers)
    refuseMissingExternals(model, observed)
    const plan = reconcile(model, observed, options)
    const operations = planLines(plan)
    for (const message of plan.warnings) emit({ type: 'warning', message })
    emit({ type: 'plan', operations, found: observed.containers.length })
    if (!options.dryRun) {
      const ports = new PortClaims(engine, model, { strict: strictPorts, emit })
      await ports.claim(plan)
      const family = await chooseFamily(observed.containers, env)
      const readyTimeoutMs = (options.timeoutSeconds ?? 120) * 1000
      const making = { model, watch, ports, probes, family, readyTimeoutMs }
      await execute(plan, { engine, project: model.name, emit, signal, making })
    }
    if (options.dryRun) await engine.release(model.name)
    emit({ type: 'done', changed: !options.dryRun && operations.length > 0, elapsedMs: Date.now() - startedAt })
  } finally {
    watch.stop()
  }
}

/** The model with only the services asked for and what they need, as often as asked for. */
function selected(model: Model, { services, scale = {} }: UpOptions): Model {
  for (const name of [...(services ?? []), ...Object.keys(scale)]) {
    if (Object.hasOwn(model.services, name)) continue
    throw new StackError('SERVICE_UNKNOWN', `there is no service "${name}" to start`)
  }
  const dependencies = (name: string) => Object.keys(model.services[name]?.config.depends_on ?? {})
  const wanted = withDependencies(services?.length ? services : Object.keys(model.services), dependencies)
  const chosen = Object.values(model.services)
    .filter(({ name }) => wanted.has(name))
    .map((service) => [service.name, { ...service, replicas: scale[service.name] ?? service.replicas }])
  const others = Object.keys(model.services).filter((name) => !wanted.has(name))
  return { ...model, services: Object.fromEntries(chosen), disabled: [...model.disabled, ...others] }
}

/** `pull_policy: always` comes before the look, because it changes what is seen. */
async function pullAlways(
  { engine }: Context,
  { name, services }: Model,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  const users = Object.values(services).filter(({ config }) => config.pull_policy === 'always' && config.image)
  const operations = pullOperations(users, 'pull_policy: always')
  await execute({ operations, warnings: [] }, { engine, project: name, emit, signal })
}

async function takeDown(context: Context, options: DownOptions, emit: Emit, signal: AbortSignal): Promise<void> {
  const startedAt = Date.now()
  const { project, engine, reason } = context
  const { volumes = false, timeoutSeconds } = options
  emit({ type: 'engine', kind: engine.kind, endpoint: engine.endpoint, reason })
  const [containers, resources] = await Promise.all([engine.containers(project.name), engine.resources(project.name)])
  // Without a file the project was named on purpose, from wherever.
  if (!options.anyDirectory && project.files.length > 0) refuseElsewhere(project, containers)
  const plan = dismantle(project.name, { containers, ...resources }, { volumes })
  const operations = planLines(plan)
  emit({ type: 'plan', operations, found: containers.length })
  await execute(plan, { engine, project: project.name, emit, signal, ending: { timeoutSeconds, volumes } })
  await engine.release(project.name)
  for (const { name } of volumes ? [] : resources.volumes) {
    emit({ type: 'resource', resource: 'volume', name, step: 'kept', detail: 'its data stays; --volumes removes it' })
  }
  emit({ type: 'done', changed: operations.length > 0, elapsedMs: Date.now() - startedAt })
}
