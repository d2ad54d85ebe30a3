import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import type { Backend } from '../backend/backend.ts'
import { openBackend } from '../backend/open.ts'
import { type Call, type CallOptions, type Canvas, call } from '../canvas/canvas.ts'
import type { Sender } from '../canvas/sender.ts'
import { type Signature, sign, signatureFromJSON } from '../canvas/signature.ts'
import { type Clock, systemClock } from '../clock.ts'
import { createControlClient } from '../control/client.ts'
import type { CommandTable } from '../control/command.ts'
import { Control } from '../control/control.ts'
import { CeleryError } from '../errors.ts'
import { Events } from '../events/events.ts'
import { type Logger, silentLogger } from '../log.ts'
import { nodename } from '../nodename.ts'
import { Once } from '../once.ts'
import type { ErrorClasses } from '../protocol/exception.ts'
import { isObject } from '../protocol/json.ts'
import { LamportClock } from '../protocol/lamport.ts'
import type { DeliveryInfo } from '../protocol/message.ts'
import type { TaskMessage } from '../protocol/task-message.ts'
import { AsyncResult, type PendingResult } from '../result/async-result.ts'
import type { EagerResult } from '../result/eager-result.ts'
import { GroupResult, groupsOf } from '../result/group-result.ts'
import type { Result, ResultSource } from '../result/result.ts'
import { resultFromTuple } from '../result/tuple.ts'
import { localTimezone } from '../schedule/zone.ts'
import { openTransport } from '../transport/open.ts'
import type { Transport, TransportEvent } from '../transport/transport.ts'
import { annotated } from './annotations.ts'
import type { CommandOptions, ControlledWorker, OwnCommand } from './commands.ts'
import { configure } from './config/configure.ts'
import { inertSettings } from './config/inert.ts'
import { nameSettings } from './config/names.ts'
import type { GivenSettings, Settings } from './config.ts'
import { currentTask } from './context.ts'
import { importModule } from './module.ts'
import { Outbox } from './outbox.ts'
import { type Entry, entryOfCanvas, type PeriodicOptions, type PeriodicTask } from './periodic.ts'
import { Producer } from './producer.ts'
import { Queues } from './queues.ts'
import { Registry } from './registry.ts'
import { type Route, type RoutedCall, route } from './router.ts'
import { Signals } from './signals.ts'
import type { InferInput, InferOutput, StandardSchemaV1 } from './standard-schema.ts'
import {
  type ArgsSchema,
  type BoundTaskFunction,
  createTask,
  type ResultOf,
  type Task,
  type TaskFunction,
  type TaskOf,
  type TaskOptions,
  type TaskSchemas,
} from './task.ts'

/** What a task may say once for all its calls. */
const optionsOfCalls = [
  ...(['timeLimit', 'softTimeLimit', 'expires', 'priority', 'serializer', 'compression', 'ignoreResult'] as const),
  ...(['queue', 'exchange', 'routingKey'] as const),
] as const

const brand = Symbol.for('celery-sandbox.app')

export interface AppOptions {
  clock?: Clock
  log?: Logger
  /**
   * Classes of errors that tasks throw, here or in Python, for callers to catch: `{ OutOfStock }`, or with the module
   * that the error names, `{ 'shop.errors.OutOfStock': OutOfStock }`. They are made with the arguments of the original.
   */
  errors?: ErrorClasses
}

export interface ConfigSource {
  /** Only names that begin with it and `_` are settings, without it: for settings that live among others. */
  namespace?: string
}

/** Options of a call by name, with its arguments. */
export interface SendOptions extends CallOptions {
  readonly args?: readonly unknown[]
  readonly kwargs?: Readonly<Record<string, unknown>>
}

/** The app as everything inside sees it; users make one of `src/celery.ts`. */
export class Celery implements Sender {
  /** Also true of an app made by another copy of this package. */
  readonly [brand] = true
  /** A name for people. */
  readonly main: string
  readonly tasks: Registry = new Registry()
  /** Moments to hear of, here and in workers: Celery's signals. */
  readonly signals: Signals = new Signals()
  /** Orders what this node sends and hears. */
  readonly lamport: LamportClock = new LamportClock()
  readonly clock: Clock
  readonly log: Logger
  /** Identifies this process to those who answer it. */
  readonly oid: string = randomUUID()
  readonly #origin = nodename(`gen${process.pid}`)
  // A broker that comes back may have lost its queues: a new producer makes sure of them again.
  readonly #transport = new Once(() =>
    this.openTransport(({ type }) => void (type === 'lost' && this.#producer.forget())),
  )
  readonly #producer = new Once(async () => this.#createProducer(await this.#transport.get()))
  readonly #backend = new Once(() => this.openBackend())
  /** What results need of their app. */
  readonly results: ResultSource
  readonly #controlClient = new Once(async () => createControlClient(await this.transport(), this.clock, this.lamport))
  /** Commands to workers. */
  readonly control: Control = new Control(() => this.#controlClient.get())
  /** What happens in the cluster. */
  readonly events: Events
  readonly #commands: Record<string, OwnCommand> = {}
  #given: Readonly<Record<string, unknown>> = {}
  #conf: Settings = configure()
  #queues: Queues = new Queues(this.#conf)
  #hasConnected = false
  readonly #outbox: Outbox
  readonly #periodic = new Map<string, Entry>()

  constructor(main: string, settings: GivenSettings = {}, options: AppOptions = {}) {
    this.main = main
    this.clock = options.clock ?? systemClock
    this.log = options.log ?? silentLogger
    this.results = {
      clock: this.clock,
      errors: options.errors ?? {},
      backend: () => this.backend(),
      control: this.control,
      isInTask: () => currentTask() !== undefined,
      fromTuple: (tuple) => resultFromTuple(tuple, this.results),
    }
    this.#outbox = new Outbox(this, { origin: this.#origin, producer: () => this.#producer.get() })
    this.events = new Events({
      transport: () => this.transport(),
      wake: () => this.control.heartbeat(),
      hostname: this.#origin,
      lamport: this.lamport,
      now: () => this.clock.now(),
    })
    this.configure(settings)
  }

  /** The settings: what was given, over the defaults; frozen. {@link Celery.configure} gives more. */
  get conf(): Settings {
    return this.#conf
  }

  /** The queues that the settings declare, and those that were asked for by name. */
  get queues(): Queues {
    return this.#queues
  }

  /** Gives settings, over those given before: Celery's `app.conf.update`. */
  configure(settings: GivenSettings): void {
    this.configFromObject(settings)
  }

  /**
   * Gives settings in any of Celery's spellings.
   *
   * @throws {CeleryError} IMPROPERLY_CONFIGURED for names that nobody knows, values that do not fit, and when there is
   * a connection already that was made with other settings
   * @example
   * app.configFromObject(settings, { namespace: 'CELERY' })   // takes CELERY_TASK_DEFAULT_QUEUE, passes over the rest
   */
  configFromObject(given: object, { namespace }: ConfigSource = {}): void {
    if (this.#hasConnected) {
      const next = 'Give all settings before the first call, and before a worker is started.'
      throw new CeleryError('IMPROPERLY_CONFIGURED', 'settings cannot change once a connection was made', { next })
    }
    const named = nameSettings({ ...given }, namespace)
    if (named.taskAnnotations && this.tasks.names().length > 0) {
      const next = 'Give taskAnnotations before the first task is defined.'
      throw new CeleryError('IMPROPERLY_CONFIGURED', 'taskAnnotations came after tasks were defined', { next })
    }
    const all = { ...this.#given, ...named }
    this.#conf = configure(all)
    this.#given = all
    this.#queues = new Queues(this.#conf)
    for (const warning of inertSettings(named)) process.emitWarning(warning, 'CelerySettingWarning')
  }

  /**
   * Gives the settings that a module exports: its default export, else each export as a setting.
   *
   * @param path relative to the working directory
   */
  async configFromFile(path: string, source: ConfigSource = {}): Promise<void> {
    const module = await importModule(resolve(path))
    this.configFromObject(isObject(module.default) ? module.default : module, source)
  }

  /** The same for the module that an environment variable names. */
  async configFromEnvvar(variable = 'CELERY_CONFIG_MODULE', source: ConfigSource = {}): Promise<void> {
    const path = process.env[variable]
    if (path) return this.configFromFile(path, source)
    const next = `Set ${variable} to the path of a module that exports settings.`
    throw new CeleryError('IMPROPERLY_CONFIGURED', `the environment has no ${variable}`, { next })
  }

  /**
   * Defines a task: a plain function under a name that all languages share.
   *
   * @example
   * export const add = app.task('arithmetics.add', (x: number, y: number) => x + y)
   * export const fetch = app.task('web.fetch', async (self, url: string) => …, { bind: true, maxRetries: 5 })
   */
  task<S extends ArgsSchema, R, RS extends StandardSchemaV1 | undefined = undefined>(
    name: string,
    fn: BoundTaskFunction<InferOutput<S>, R>,
    options: TaskOptions & TaskSchemas<S, RS> & { readonly bind: true; readonly args: S },
  ): Task<InferInput<S>, ResultOf<R, RS>>
  task<S extends ArgsSchema, R, RS extends StandardSchemaV1 | undefined = undefined>(
    name: string,
    fn: TaskFunction<InferOutput<S>, R>,
    options: TaskOptions & TaskSchemas<S, RS> & { readonly bind?: false; readonly args: S },
  ): Task<InferInput<S>, ResultOf<R, RS>>
  task<A extends unknown[], R, RS extends StandardSchemaV1 | undefined = undefined>(
    name: string,
    fn: BoundTaskFunction<A, R>,
    options: TaskOptions & TaskSchemas<undefined, RS> & { readonly bind: true },
  ): Task<A, ResultOf<R, RS>>
  task<F extends CallableFunction, RS extends StandardSchemaV1 | undefined = undefined>(
    name: string,
    fn: F,
    options?: TaskOptions & TaskSchemas<undefined, RS> & { readonly bind?: false },
  ): TaskOf<F, RS>
  task<A extends unknown[], R>(
    name: string,
    fn: TaskFunction<A, R> | BoundTaskFunction<A, R>,
    options: TaskOptions = {},
  ): Task<A, Awaited<R>> {
    const task = createTask(name, fn, annotated(name, options, this.conf.taskAnnotations), this) as Task<A, Awaited<R>>
    this.tasks.add(task as unknown as Task)
    return task
  }

  /**
   * Has beat send a call again and again, beside those of the setting beatSchedule.
   *
   * @returns its name
   * @throws {CeleryError} IMPROPERLY_CONFIGURED
   * @example
   * app.addPeriodicTask({ minutes: 5 }, add.s(4, 4), { name: 'add every five minutes', expires: 60 })
   */
  addPeriodicTask(schedule: PeriodicTask['schedule'], call: Canvas, options: PeriodicOptions = {}): string {
    const entry = entryOfCanvas(schedule, call, options)
    if (options.name === undefined && this.#periodic.has(entry.name)) {
      const next = 'give one of them a name, or only this one is sent'
      this.log.warning(`the periodic task ${entry.name} takes the place of another: ${next}`)
    }
    this.#periodic.set(entry.name, entry)
    return entry.name
  }

  /** What beat sends. */
  get periodicTasks(): readonly Entry[] {
    const entries = [...Object.values(this.conf.beatSchedule), ...this.#periodic.values()]
    return [...new Map(entries.map((entry) => [entry.name, entry])).values()]
  }

  /** The zone of schedules: that of the settings, else UTC, or with `enableUtc: false` that of this machine. */
  get timezone(): string {
    const { timezone, enableUtc } = this.conf
    return timezone ?? (enableUtc ? 'UTC' : localTimezone())
  }

  /** Calls a task by its name, also one that only another language has. */
  sendTask<R = unknown>(
    name: string,
    { args = [], kwargs = {}, ...options }: SendOptions = {},
  ): PendingResult<R, AsyncResult<R>> {
    return this.send<R, AsyncResult<R>>(call(name, args, { kwargs, options }))
  }

  /** A call of a task by its name, or a signature that was written as JSON, which this app sends. */
  signature<R = unknown>(
    given: string | object,
    args: readonly unknown[] = [],
    options: Partial<Omit<Call, 'kind' | 'task' | 'args'>> = {},
  ): Signature<R> {
    if (typeof given !== 'string') return signatureFromJSON(given, this) as Signature<R>
    return sign<R>(call(given, args, options), this)
  }

  /** Sends a signature or a workflow; with taskAlwaysEager, one whose tasks are known here runs here. */
  send<R, H extends Result<R>>(signature: Signature<R, H>): PendingResult<R, H>
  send<R = unknown, H extends Result<R> = Result<R>>(canvas: Canvas): PendingResult<R, H>
  send<R, H extends Result<R>>(canvas: Canvas): PendingResult<R, H> {
    return this.#outbox.send<R, H>(canvas)
  }

  /** Whether the calls that a workflow makes first have the arguments that they want. @throws {ArgumentsError} */
  check(canvas: Canvas): void {
    this.#outbox.check(canvas)
  }

  /**
   * Runs a signature or a workflow here and now, without a broker.
   *
   * @param options `throw`: reject with what a task throws; by default the setting taskEagerPropagates
   */
  apply<R = unknown, H extends Result<R> = EagerResult<R>>(canvas: Canvas, options?: { throw?: boolean }): Promise<H> {
    return this.#outbox.apply<R, H>(canvas, options)
  }

  /** Sends a message that exists already to where it came from: a retry, for example. */
  resend(message: TaskMessage, whence: DeliveryInfo): Promise<void> {
    return this.#outbox.resend(message, whence)
  }

  /** How a message runs in place: what runs tasks stands above this class. */
  runHere<R>(message: TaskMessage): Promise<EagerResult<R>> {
    throw new CeleryError('UNSUPPORTED', `this app cannot run ${message.task} in place`)
  }

  /** Where a call goes, and its options: its own, over the task's, over its route's, over the settings. */
  route(call: RoutedCall): Route {
    const declared = pick(this.tasks.get(call.task)?.options ?? {}, optionsOfCalls)
    const options = { ...this.#inherited(), ...declared, ...call.options }
    const found = route({ ...call, options }, this.conf, this.queues)
    const { taskIgnoreResult: ignoreResult, taskDefaultPriority: priority, taskDefaultDeliveryMode: mode } = this.conf
    const deliveryMode = mode === 1 || mode === 'transient' ? 1 : 2
    return { ...found, options: { ignoreResult, priority, deliveryMode, ...found.options } }
  }

  #inherited(): Pick<CallOptions, 'priority'> {
    const parent = this.conf.taskInheritParentPriority ? currentTask() : undefined
    return parent ? { priority: parent.request.priority } : {}
  }

  /** The handle on a task that was sent before, here or elsewhere. */
  asyncResult<R = unknown>(id: string): AsyncResult<R> {
    return new AsyncResult<R>(id, this.results)
  }

  /** Several results as a group, which can be saved under its id. */
  groupResult<R = unknown>(id: string, results: readonly Result<R>[]): GroupResult<R> {
    return new GroupResult<R>(id, results, this.results)
  }

  /** The group that was saved under the id, here or in Python; undefined when there is none. */
  async restoreGroup(id: string): Promise<GroupResult | undefined> {
    const tuple = await (await groupsOf(this.results)).restore(id)
    const result = tuple && resultFromTuple(tuple, this.results)
    return result instanceof GroupResult ? result : undefined
  }

  /** This app's connection to the broker. */
  transport(): Promise<Transport> {
    return this.#transport.get()
  }

  /** This app's connection to the results. */
  backend(): Promise<Backend> {
    return this.#backend.get()
  }

  /** Commands of the app's own that its workers understand, by name. */
  get commands(): CommandTable<ControlledWorker> {
    return this.#commands
  }

  /**
   * Teaches this app's workers a command: `celery-sandbox control <name>`, and `control` of Python's Celery.
   *
   * @example
   * app.controlCommand('set_tariff', (worker, { name }) => ({ ok: `tariff is ${name}` }), { args: [['name', 'text']] })
   */
  controlCommand(name: string, run: OwnCommand['run'], description: CommandOptions = {}): void {
    this.#commands[name] = { kind: 'control', help: '', ...description, run }
  }

  /** The same for a question that changes nothing: `celery-sandbox inspect <name>`. */
  inspectCommand(name: string, run: OwnCommand['run'], description: CommandOptions = {}): void {
    this.#commands[name] = { kind: 'inspect', help: '', ...description, run }
  }

  /** A further connection to the broker, for its caller to close. */
  openTransport(onEvent: (event: TransportEvent) => void = () => {}, log: Logger = this.log): Promise<Transport> {
    this.#hasConnected = true
    const { url, options } = this.broker
    return openTransport(url, { clock: this.clock, log, onEvent, ...options })
  }

  /** Where the broker is and how to speak to it, as data; with secrets. */
  get broker() {
    const { brokerUrl: url, brokerConnectionTimeout: seconds, brokerTransportOptions } = this.conf
    return { url, options: { connectTimeoutMs: seconds * 1000, ...brokerTransportOptions } }
  }

  /** A further connection to the results, for its caller to close. */
  openBackend(): Promise<Backend> {
    this.#hasConnected = true
    return openBackend(this.conf.resultBackend, {
      clock: this.clock,
      log: this.log,
      connectTimeoutMs: this.conf.brokerConnectionTimeout * 1000,
      resultExpires: this.conf.resultExpires,
      healthCheckInterval: this.conf.redisBackendHealthCheckInterval,
      ...this.conf.resultBackendTransportOptions,
      resultPersistent: this.conf.resultPersistent,
      oid: this.oid,
      transport: () => this.transport(),
    })
  }

  /** Closes this app's connections, after what is being sent; a later call opens them again. */
  async close(): Promise<void> {
    await this.#outbox.settled()
    this.#producer.forget()
    this.#controlClient.forget()
    await this.#backend.release((backend) => backend.close())
    await this.#transport.release((transport) => transport.close())
    this.#hasConnected = false
  }

  #createProducer(transport: Transport): Producer {
    const { conf, clock, signals, events, log } = this
    return new Producer({ transport, conf, clock, signals, events, log })
  }
}

export function isApp(value: unknown): value is Celery {
  return typeof value === 'object' && value !== null && brand in value
}

function pick<T extends object, K extends keyof T>(from: T, names: readonly K[]): Partial<Pick<T, K>> {
  const given = names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]])
  return Object.fromEntries(given) as Partial<Pick<T, K>>
}
