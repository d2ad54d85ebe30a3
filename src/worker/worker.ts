import { availableParallelism } from 'node:os'
import type { Celery } from '../app/app.ts'
import { workerDirect } from '../app/queues.ts'
import type { Backend } from '../backend/backend.ts'
import { fromData } from '../canvas/data.ts'
import { sleep } from '../clock.ts'
import { openMailbox } from '../control/mailbox.ts'
import { messageOf } from '../errors.ts'
import { createDispatcher, type Dispatcher } from '../events/dispatcher.ts'
import type { Logger } from '../log.ts'
import { nodename, nodePath } from '../nodename.ts'
import { persist } from '../persist.ts'
import type { Recycling } from '../pool/child-pool.ts'
import { choosePool, type PoolChoice } from '../pool/choose.ts'
import type { Pool } from '../pool/pool.ts'
import { waitsAtBroker } from '../protocol/delayed-delivery.ts'
import type { Queue } from '../protocol/entity.ts'
import { parseSignatureData } from '../protocol/signature-data.ts'
import type { Service } from '../service.ts'
import type { Transport, TransportEvent } from '../transport/transport.ts'
import { maskUrl } from '../url.ts'
import { Autoscaler, type Range } from './autoscale.ts'
import { banner } from './banner.ts'
import { Consumer } from './consumer.ts'
import { Gossip } from './gossip.ts'
import { Heartbeat } from './heartbeat.ts'
import { mingle } from './mingle.ts'
import { carryOut } from './panel/panel.ts'
import type { PanelTarget } from './panel/target.ts'
import { Revoked, RevokedStamps } from './revoked.ts'
import type { ShutdownLevel } from './shutdown.ts'
import { StandIn } from './stand-in.ts'
import { WorkerState } from './state.ts'
import { type Limits, TimeLimits } from './time-limit.ts'

export interface WorkerOptions {
  /** Node name; `%h` is the host's name. @default 'celery@%h' */
  hostname?: string
  /** Names of queues to serve. @default the setting taskQueues */
  queues?: readonly string[]
  /** Names of queues not to serve. */
  excludeQueues?: readonly string[]
  /** Tasks running at one time. @default the setting workerConcurrency, else the number of processors */
  concurrency?: number
  /** Where tasks run: `async`, `solo`, `prefork` or `threads`, or another of Celery's words for them. @default the setting workerPool */
  pool?: string
  /** Let the pool grow and shrink with its load, instead of `concurrency`. */
  autoscale?: Range
  /** Seconds until a task is ended, in the pools `prefork` and `threads`. @default the setting taskTimeLimit */
  timeLimit?: number
  /** Seconds until a task is asked to end. @default the setting taskSoftTimeLimit */
  softTimeLimit?: number
  /** Tasks after which a child is replaced. @default the setting workerMaxTasksPerChild */
  maxTasksPerChild?: number
  /** KiB of memory after which a child is replaced. @default the setting workerMaxMemoryPerChild */
  maxMemoryPerChild?: number
  /** The app's file, as `loadApp` takes it; the children of `prefork` and `threads` load it. */
  appPath?: string
  /** Send task events from the start. @default the setting workerSendTaskEvents */
  taskEvents?: boolean
  /** Seconds between heartbeats. @default 2 */
  heartbeatInterval?: number
  /** Send none. */
  withoutHeartbeat?: boolean
  /** Do not greet the workers that are there already. */
  withoutMingle?: boolean
  /** Do not listen to the other workers. */
  withoutGossip?: boolean
  /** File in which revoked ids outlive the worker; `%n` is its name. @default the setting workerStateDb */
  stateDb?: string
  log?: Logger
}

/** What is undefined is as good as not given. */
type Given<T> = { readonly [K in keyof T]?: T[K] | undefined }

/** What a worker speaks through. */
interface Connections {
  readonly transport: Transport
  readonly backend: Backend
  readonly events: Dispatcher
}

/** What a worker is made of. */
type Parts = Pick<PanelTarget, 'pool' | 'limits' | 'prefetch' | 'resize' | 'autoscaler' | 'heartbeat' | 'gossip'> & {
  readonly transport: Transport
  readonly consumer: Consumer
}

/**
 * A worker: serves queues until it is stopped.
 *
 * @example
 * const worker = new Worker(app, { concurrency: 10 })
 * await worker.start()   // resolves when it is ready
 * await worker.stop()    // takes nothing more, and waits for what runs
 */
export class Worker implements Service {
  readonly hostname: string
  readonly queues: readonly Queue[]
  readonly concurrency: number
  readonly state: WorkerState
  /** Resolves when the worker has stopped, for whatever reason. */
  readonly stopped: Promise<void>
  readonly #app: Celery
  readonly #log: Logger
  readonly #pool: PoolChoice
  readonly #recycling: Recycling
  readonly #limits: Limits
  readonly #autoscale: Range | undefined
  readonly #company: Company
  readonly #stopping = new AbortController()
  readonly #hasStopped = Promise.withResolvers<void>()
  /** How to undo what was started, last first. */
  readonly #undo: (() => Promise<void>)[] = []
  #taskEvents: boolean
  #starting: Promise<void> | undefined
  #runningPool: Pool | undefined

  constructor(app: Celery, options: Given<WorkerOptions> = {}) {
    this.#app = app
    this.#log = options.log ?? app.log
    this.#taskEvents = options.taskEvents ?? app.conf.workerSendTaskEvents
    this.hostname = nodename(options.hostname ?? 'celery@%h')
    const stateDb = options.stateDb ?? app.conf.workerStateDb
    const revoked = new Revoked(app.clock, stateDb && nodePath(stateDb, this.hostname))
    this.state = new WorkerState(revoked, new RevokedStamps(app.clock))
    this.queues = served(app, this.hostname, options)
    this.#pool = choosePool(options.pool ?? app.conf.workerPool, options.appPath)
    const concurrency = (options.concurrency ?? app.conf.workerConcurrency) || availableParallelism()
    this.concurrency = this.#pool.name === 'solo' ? 1 : (options.autoscale?.min ?? concurrency)
    this.#autoscale = this.#pool.name === 'solo' ? undefined : options.autoscale
    this.#company = {
      heartbeatMs: options.withoutHeartbeat ? null : (options.heartbeatInterval ?? 2) * 1000,
      mingles: !options.withoutMingle,
      gossips: !options.withoutGossip,
    }
    this.#limits = { soft: options.softTimeLimit, hard: options.timeLimit }
    this.#recycling = {
      maxTasksPerChild: options.maxTasksPerChild ?? app.conf.workerMaxTasksPerChild,
      maxMemoryPerChild: options.maxMemoryPerChild ?? app.conf.workerMaxMemoryPerChild,
    }
    this.stopped = this.#hasStopped.promise
  }

  get banner(): string {
    const { main, conf, tasks } = this.#app
    const { brokerUrl, resultBackend } = conf
    const { hostname, concurrency, queues } = this
    const pool = { pool: this.#pool.name, concurrency, autoscale: this.#autoscale }
    const facts = { hostname, main, brokerUrl, resultBackend, queues, ...pool }
    return banner({ ...facts, taskEvents: this.#taskEvents, tasks: tasks.names() })
  }

  start(): Promise<void> {
    if (this.#stopping.signal.aborted) return this.stopped
    this.#starting ??= this.#start()
    return this.#starting.catch(async (error) => {
      if (this.#stopping.signal.aborted) return this.stopped
      await this.stop()
      throw error
    })
  }

  async #start(): Promise<void> {
    const { signals, conf } = this.#app
    const { hostname } = this
    const log = this.#log
    await signals.celerydInit.send(hostname, { instance: this, conf }, log)
    await signals.workerInit.send(hostname, { instance: this }, log)
    this.#undo.push(() => signals.workerShutdown.send(hostname, { instance: this }, log))
    const parts = this.#assemble(await this.#connect())
    await this.#listen(parts)
    await this.#keepCompany(parts)
    await this.#work(parts)
    log.info(`${hostname} ready.`)
    await signals.workerReady.send(hostname, { instance: this }, log)
  }

  async #connect(): Promise<Connections> {
    const app = this.#app
    const transport = await this.#insist('consumer: Cannot connect to the broker', () =>
      app.openTransport((event) => this.#onTransport(event), this.#log),
    )
    this.#undo.push(() => transport.close())
    this.#log.info(`Connected to ${maskUrl(app.conf.brokerUrl)}`)
    const backend = await this.#insist('Cannot connect to the result backend', () => app.openBackend())
    this.#undo.push(() => backend.close())
    const { lamport, clock } = app
    // A loop that its tasks block would keep a batch back until they end.
    const batchesTasks = this.#pool.name !== 'solo'
    const { hostname } = this
    const events = createDispatcher(transport, { hostname, clock: lamport, now: () => clock.now(), batchesTasks })
    return { transport, backend, events }
  }

  /** All that a worker is made of; nothing runs yet. */
  #assemble(connections: Connections): Parts {
    const { transport, backend, events } = connections
    const app = this.#app
    const log = this.#log
    const { hostname, queues, state, concurrency } = this
    const environment = { app, backend, log, sendEvent: events.send }
    const pool = this.#pool.open({ concurrency, environment, clock: app.clock, ...this.#recycling })
    this.#runningPool = pool
    const limits = new TimeLimits(app, pool, log, this.#limits)
    limits.checkDeclared()
    const size = () => (autoscaler ? autoscaler.range.max : pool.concurrency)
    const prefetch = () => size() * app.conf.workerPrefetchMultiplier
    const sendsTaskEvents = () => this.#taskEvents
    const consumer = new Consumer(
      { app, hostname, pool, backend, state, limits, events, sendsTaskEvents, log },
      { queues, prefetch },
    )
    const resize = (concurrency: number) => {
      pool.resize(concurrency)
      consumer.resize()
    }
    const load = { load: () => state.reserved.size, size: () => pool.concurrency, resize }
    const autoscaler = this.#autoscale && new Autoscaler(this.#autoscale, load, { clock: app.clock, log })
    const company = { heartbeat: this.#heartbeat(events), gossip: this.#gossip(connections) }
    return { transport, pool, limits, prefetch, consumer, resize, autoscaler, ...company }
  }

  #heartbeat(events: Dispatcher): Heartbeat {
    const { signals, clock, lamport } = this.#app
    const intervalMs = this.#company.heartbeatMs ?? 2_000
    const onSent = () => void signals.heartbeatSent.send(this.hostname, {}, this.#log)
    return new Heartbeat({ events, state: this.state, clock, lamport, intervalMs, onSent })
  }

  #gossip({ transport, events }: Connections): Gossip | undefined {
    if (!isShared(transport) || !this.#company.gossips) return undefined
    const { clock, lamport } = this.#app
    return new Gossip({ transport, events, lamport, clock, log: this.#log, elected: { task: callTask(this.#app) } })
  }

  /** Listens to commands. */
  async #listen(parts: Parts): Promise<void> {
    const { conf, lamport } = this.#app
    const log = this.#log
    if (!conf.workerEnableRemoteControl) return
    const mailbox = await openMailbox(parts.transport, {
      nodename: this.hostname,
      clock: lamport,
      carryOut: this.#panelTarget(parts).run,
      onError: (method, error) => log.error(`control command error: ${method}: ${error.message}`),
      onNamesake: () => log.warning(namesake(this.hostname)),
    })
    this.#undo.push(() => mailbox.cancel())
  }

  #panelTarget({ consumer, ...parts }: Parts): PanelTarget {
    const app = this.#app
    const { hostname, state } = this
    const target: PanelTarget = {
      ...{ app, log: this.#log, hostname, state, clock: app.lamport, startedAt: app.clock.now() },
      ...parts,
      queues: () => consumer.queues,
      scheduled: () => consumer.scheduled,
      changeRate: (task, rate) => consumer.changeRate(task, rate),
      serve: (queues) => consumer.serve(queues),
      setTaskEvents: (enabled) => this.#setTaskEvents(enabled),
      shutdown: () => void this.stop(),
      run: (method, args = {}) => carryOut(target, method, args),
    }
    return target
  }

  async #keepCompany({ transport, heartbeat, gossip }: Parts): Promise<void> {
    if (this.#company.heartbeatMs !== null) {
      await this.#begin(heartbeat)
      if (isShared(transport)) await this.#begin(this.#standIn(heartbeat, this.#company.heartbeatMs))
    }
    if (gossip) await this.#begin(gossip)
  }

  #standIn({ vitals: { memory } }: Heartbeat, intervalMs: number): StandIn {
    return new StandIn({ ...this.#app.broker, hostname: this.hostname, intervalMs, memory }, this.#log)
  }

  async #work({ transport, pool, consumer, autoscaler }: Parts): Promise<void> {
    const { signals, conf, main } = this.#app
    const { hostname, queues } = this
    const log = this.#log
    const meeting = isShared(transport) && this.#company.mingles ? this.#mingle(transport) : undefined
    await signals.celerydAfterSetup.send(hostname, { instance: this, conf }, log)
    if (!pool.canTerminate) await signals.workerProcessInit.send(main, {}, log) // children send it themselves
    await Promise.all([this.#begin(pool), meeting])
    await this.#begin({ start: () => consumer.start(transport), stop: () => consumer.stop() })
    const delayed = queues.filter(waitsAtBroker)
    if (delayed.length > 0) await transport.declareDelays?.(delayed, conf.brokerNativeDelayedDeliveryQueueType)
    if (autoscaler) await this.#begin(autoscaler)
  }

  /** Starts a part, which is stopped when the worker stops: the last first. */
  async #begin(part: Service): Promise<void> {
    await part.start()
    this.#undo.push(() => part.stop())
  }

  async #mingle(transport: Transport): Promise<void> {
    const { hostname, state } = this
    const { clock, lamport } = this.#app
    const { signal } = this.#stopping
    const options = { hostname, revoked: state.revoked, lamport, clock, log: this.#log, signal }
    await mingle(transport, options).catch((error) => this.#log.warning(`mingle: ${messageOf(error)}`))
  }

  /** Connects, and while that fails waits longer each time, saying so as Celery does. */
  #insist<T>(what: string, connect: () => Promise<T>): Promise<T> {
    const { clock, conf } = this.#app
    const maxRetries = conf.brokerConnectionRetryOnStartup ? conf.brokerConnectionMaxRetries : 0
    const policy = { maxRetries, intervalStart: 2, intervalStep: 2, intervalMax: 30 }
    const onFailure = (error: Error, attempt: number, pause: number) => {
      const count = maxRetries === null ? '' : ` (${attempt}/${maxRetries})`
      this.#log.error(`${what}: ${error.message}.\nTrying again in ${pause.toFixed(2)} seconds...${count}`)
    }
    return persist(connect, clock, policy, { signal: this.#stopping.signal, onFailure })
  }

  #onTransport(event: TransportEvent): void {
    if (this.#stopping.signal.aborted) return
    const where = maskUrl(this.#app.conf.brokerUrl)
    const say: { [T in TransportEvent['type']]: () => void } = {
      lost: () => this.#log.warning('consumer: Connection to broker lost. Trying to re-establish the connection...'),
      restored: () => this.#log.info(`Connected to ${where}`),
      blocked: () => this.#log.warning(`${where} accepts no messages for now (memory or disk alarm); publishing waits`),
      unblocked: () => this.#log.info(`${where} accepts messages again`),
    }
    say[event.type]()
  }

  #setTaskEvents(enabled: boolean): boolean {
    const isChange = this.#taskEvents !== enabled
    this.#taskEvents = enabled
    return isChange
  }

  /**
   * Takes nothing more, gives back what waits, and lets what runs finish; `soft` waits for that no longer than the
   * setting workerSoftShutdownTimeout, `cold` not at all. What is cut off goes back to its queue, unless it was
   * acknowledged early: then it has failed. May be called again with a harder level.
   */
  async stop({ level = 'warm' }: { level?: ShutdownLevel } = {}): Promise<void> {
    const hasStopped = this.#stop(level)
    if (level === 'soft') await this.#waitSoftly()
    if (level !== 'warm') await this.#cutOff()
    return hasStopped
  }

  async #waitSoftly(): Promise<void> {
    const { clock, conf } = this.#app
    const { workerSoftShutdownTimeout: seconds, workerEnableSoftShutdownOnIdle: alsoOnIdle } = conf
    if (seconds === 0 || (this.state.active.size === 0 && !alsoOnIdle)) return
    this.#log.warning(`Initiating Soft Shutdown, terminating in ${seconds} seconds`)
    const isOver = new AbortController()
    void this.stopped.then(() => isOver.abort())
    await sleep(clock, seconds * 1000, isOver.signal).catch(() => {})
  }

  async #cutOff(): Promise<void> {
    for (const request of this.state.active) request.cancel()
    await this.#runningPool?.terminate()
  }

  async #stop(level: ShutdownLevel): Promise<void> {
    if (this.#stopping.signal.aborted) return this.stopped
    this.#stopping.abort(new Error('the worker is stopping'))
    await this.#starting?.catch(() => {})
    const { signals } = this.#app
    const how = level === 'warm' ? 'Warm' : 'Cold'
    await signals.workerShuttingDown.send(this.hostname, { instance: this, how }, this.#log)
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) {
      await undo().catch((error) => this.#log.error(`while stopping: ${messageOf(error)}`, { error }))
    }
    this.#hasStopped.resolve()
  }
}

function served({ conf, queues }: Celery, hostname: string, options: Given<WorkerOptions>): Queue[] {
  const { excludeQueues = [] } = options
  const wanted = options.queues?.map((name) => queues.get(name)) ?? queues.defaults
  const left = wanted.filter(({ name, alias }) => !excludeQueues.includes(alias ?? name))
  return conf.workerDirect ? [...left, workerDirect(hostname)] : left
}

const namesake = (hostname: string) =>
  `A node named ${hostname} is already using this process mailbox!\n` +
  'Maybe you forgot to shutdown the other node or did not do so properly?\n' +
  'Or if you meant to start multiple nodes on the same host please make sure you give each node a unique node name!'

/** What a worker has to do with those around it. */
interface Company {
  /** Between heartbeats; null for none. */
  readonly heartbeatMs: number | null
  readonly mingles: boolean
  readonly gossips: boolean
}

// A broker in this process's memory has no other workers, and no other thread reaches it.
const isShared = ({ name }: Transport) => name !== 'memory'

/** What an election with the topic `task` is about: the winner sends the call. */
const callTask = (app: Celery) => async (action: unknown) => {
  const call = parseSignatureData(action)
  if (!call) throw new Error('the action is no signature')
  await app.send(fromData(call))
}
