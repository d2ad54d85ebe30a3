import { type State, states } from '../protocol/states.ts'
import type { ReceivedEvent } from './receiver.ts'

/** A worker as its events show it. Times are epoch seconds by this process's clock. */
export interface ClusterWorker {
  readonly hostname: string
  readonly pid: number | null
  /** Seconds between its heartbeats. */
  readonly freq: number
  /** When it was last heard of, newest last; empty when it said that it goes. */
  readonly heartbeats: readonly number[]
  readonly clock: number
  /** Tasks running, and tasks done. */
  readonly active: number | null
  readonly processed: number | null
  readonly loadavg: readonly number[] | null
  readonly swIdent: string | null
  readonly swVer: string | null
  readonly swSys: string | null
}

/** A task as its events show it: of what nobody told yet it says null. Times are epoch seconds by the sender's clock. */
export interface ClusterTask {
  readonly uuid: string
  readonly state: State
  readonly name: string | null
  /** As Python's `repr` shows them. */
  readonly args: string | null
  readonly kwargs: string | null
  readonly result: string | null
  readonly exception: string | null
  readonly traceback: string | null
  readonly sent: number | null
  readonly received: number | null
  readonly started: number | null
  readonly succeeded: number | null
  readonly failed: number | null
  readonly retried: number | null
  readonly revoked: number | null
  readonly rejected: number | null
  /** Of the event that gave it its state. */
  readonly timestamp: number
  /** Seconds. */
  readonly runtime: number | null
  /** ISO 8601. */
  readonly eta: string | null
  readonly expires: string | null
  readonly retries: number | null
  /** Names of nodes: who has it, and who sent it. */
  readonly worker: string | null
  readonly client: string | null
  readonly queue: string | null
  readonly exchange: string | null
  readonly routingKey: string | null
  readonly rootId: string | null
  readonly parentId: string | null
  readonly clock: number
}

export interface ClusterOptions {
  /** Those of which nothing was heard for longest make room. @default 5000 */
  readonly maxWorkers?: number
  /** @default 10_000 */
  readonly maxTasks?: number
}

/** What an event changed in the picture. */
export type Change =
  | { readonly what: 'worker'; readonly worker: ClusterWorker; readonly how: 'joined' | 'beats' | 'left' }
  | { readonly what: 'task'; readonly task: ClusterTask }

/** Heartbeats that a worker may miss, as a multiple of its interval. */
const patience = 2
const heartbeatsKept = 4
/** Texts come from anyone; a longer one is cut. */
const longestText = 10_000

/**
 * The picture of workers and tasks that events paint: Celery's `State`. It reads no clock and no network, and holds no
 * more than it may, whatever comes.
 *
 * @example
 * const cluster = app.events.cluster()
 * await app.events.receive((event) => cluster.event(event))
 * cluster.aliveWorkers(Date.now() / 1000).map(({ hostname, active }) => `${hostname}: ${active}`)
 */
export class Cluster {
  readonly #workers: Recent<ClusterWorker>
  readonly #tasks: Recent<ClusterTask>
  /** How many events it has seen, and how many of them told of a task that came to a worker. */
  eventCount = 0
  taskCount = 0

  constructor({ maxWorkers = 5_000, maxTasks = 10_000 }: ClusterOptions = {}) {
    this.#workers = new Recent(maxWorkers)
    this.#tasks = new Recent(maxTasks)
  }

  /** By node name. */
  get workers(): ReadonlyMap<string, ClusterWorker> {
    return this.#workers
  }

  /** By id; the one that was heard of last comes last. */
  get tasks(): ReadonlyMap<string, ClusterTask> {
    return this.#tasks
  }

  /** Paints an event in. Undefined when it says nothing of workers or tasks. */
  event(event: ReceivedEvent): Change | undefined {
    this.eventCount += 1
    const [group, ...rest] = event.type.split('-')
    const subject = rest.join('-')
    if (typeof event.hostname !== 'string' || typeof event.timestamp !== 'number') return undefined
    if (group === 'worker') return this.#workerEvent(subject, event)
    if (group === 'task' && typeof event.uuid === 'string') return this.#taskEvent(subject, event.uuid, event)
    return undefined
  }

  /** Those that were heard of within twice their interval. @param now epoch seconds */
  aliveWorkers(now: number): ClusterWorker[] {
    return [...this.#workers.values()].filter((worker) => isAlive(worker, now))
  }

  /** Drops a worker from the picture. */
  forgetWorker(hostname: string): void {
    this.#workers.delete(hostname)
  }

  /** Drops the tasks that are done, or all of them. */
  clearTasks({ onlyReady = true } = {}): void {
    for (const { uuid, state } of [...this.#tasks.values()]) {
      if (!onlyReady || finals.has(state)) this.#tasks.delete(uuid)
    }
  }

  /** In the order in which things happened by the logical clock, the newest first. */
  tasksByTime(): ClusterTask[] {
    return [...this.#tasks.values()].sort((a, b) => b.clock - a.clock || b.timestamp - a.timestamp)
  }

  tasksByType(name: string): ClusterTask[] {
    return this.tasksByTime().filter((task) => task.name === name)
  }

  tasksByWorker(hostname: string): ClusterTask[] {
    return this.tasksByTime().filter((task) => task.worker === hostname)
  }

  /** Tasks that a task called. */
  childrenOf(uuid: string): ClusterTask[] {
    return this.tasksByTime().filter(({ parentId }) => parentId === uuid)
  }

  /** Names of the tasks in the picture, sorted. */
  taskTypes(): string[] {
    const names = [...this.#tasks.values()].flatMap(({ name }) => name ?? [])
    return [...new Set(names)].sort()
  }

  #workerEvent(subject: string, event: ReceivedEvent): Change {
    const known = this.#workers.get(event.hostname)
    const worker = withEvent(known ?? newWorker(event.hostname), subject, event)
    if (known || subject !== 'offline') this.#workers.set(event.hostname, worker)
    if (subject === 'offline') return { what: 'worker', worker, how: 'left' }
    return { what: 'worker', worker, how: known && subject !== 'online' ? 'beats' : 'joined' }
  }

  #taskEvent(subject: string, uuid: string, event: ReceivedEvent): Change {
    if (subject === 'received') this.taskCount += 1
    const known = this.#tasks.get(uuid) ?? newTask(uuid, event.timestamp)
    const task = { ...merged(known, subject, event), ...whence(subject, event) }
    this.#tasks.set(uuid, task)
    // Whoever tells of a task is there.
    if (subject !== 'sent') {
      const worker = this.#workers.get(event.hostname) ?? newWorker(event.hostname)
      this.#workers.set(event.hostname, { ...worker, heartbeats: beating(worker, event.local_received) })
    }
    return { what: 'task', task }
  }
}

/** Whether a worker was heard of within twice its interval. @param now epoch seconds */
export function isAlive({ heartbeats, freq }: ClusterWorker, now: number): boolean {
  const last = heartbeats.at(-1)
  return last !== undefined && now < last + freq * patience
}

/** A map that keeps so many entries; those that were set longest ago make room. */
class Recent<V> extends Map<string, V> {
  readonly #limit: number

  constructor(limit: number) {
    super()
    this.#limit = limit
  }

  override set(key: string, value: V): this {
    this.delete(key)
    super.set(key, value)
    for (const oldest of this.keys()) {
      if (this.size <= this.#limit) break
      this.delete(oldest)
    }
    return this
  }
}

const newWorker = (hostname: string): ClusterWorker => ({
  hostname,
  pid: null,
  freq: 60,
  heartbeats: [],
  clock: 0,
  active: null,
  processed: null,
  loadavg: null,
  swIdent: null,
  swVer: null,
  swSys: null,
})

function withEvent(worker: ClusterWorker, subject: string, event: ReceivedEvent): ClusterWorker {
  const { pid, freq, clock, active, processed, loadavg } = event
  return {
    ...worker,
    heartbeats: subject === 'offline' ? [] : beating(worker, event.local_received),
    clock: number(clock) ?? worker.clock,
    pid: number(pid) ?? worker.pid,
    freq: number(freq) ?? worker.freq,
    active: number(active) ?? worker.active,
    processed: number(processed) ?? worker.processed,
    loadavg: Array.isArray(loadavg) ? loadavg.slice(0, 3).map(Number) : worker.loadavg,
    swIdent: text(event.sw_ident) ?? worker.swIdent,
    swVer: text(event.sw_ver) ?? worker.swVer,
    swSys: text(event.sw_sys) ?? worker.swSys,
  }
}

const beating = ({ heartbeats }: ClusterWorker, received: number): number[] =>
  [...heartbeats, received].sort((a, b) => a - b).slice(-heartbeatsKept)

const newTask = (uuid: string, timestamp: number): ClusterTask => ({
  uuid,
  state: states.PENDING,
  name: null,
  args: null,
  kwargs: null,
  result: null,
  exception: null,
  traceback: null,
  sent: null,
  received: null,
  started: null,
  succeeded: null,
  failed: null,
  retried: null,
  revoked: null,
  rejected: null,
  timestamp,
  runtime: null,
  eta: null,
  expires: null,
  retries: null,
  worker: null,
  client: null,
  queue: null,
  exchange: null,
  routingKey: null,
  rootId: null,
  parentId: null,
  clock: 0,
})

/** Event → the state that it means; any other is a state of the task's own. */
const stateOf: Readonly<Record<string, State>> = {
  sent: states.PENDING,
  received: states.RECEIVED,
  started: states.STARTED,
  failed: states.FAILURE,
  retried: states.RETRY,
  succeeded: states.SUCCESS,
  revoked: states.REVOKED,
  rejected: states.REJECTED,
}

const finals: ReadonlySet<State> = new Set([states.SUCCESS, states.FAILURE, states.REVOKED])

/** Celery's order of states: what stands further down has happened before. */
const precedence: readonly (State | null)[] = [
  states.SUCCESS,
  states.FAILURE,
  null, // a task's own
  states.REVOKED,
  states.STARTED,
  states.RECEIVED,
  states.REJECTED,
  states.RETRY,
  states.PENDING,
]

function rank(state: State): number {
  const at = precedence.indexOf(state)
  return at === -1 ? precedence.indexOf(null) : at
}

/**
 * Events may come out of order: one that by its state came before what is known gives its facts, and leaves the state.
 * A retry begins anew.
 */
function merged(task: ClusterTask, subject: string, event: ReceivedEvent): ClusterTask {
  const isKnown = Object.hasOwn(stateOf, subject)
  const state = (isKnown && stateOf[subject]) || subject.toUpperCase()
  const isLate = state !== states.RETRY && task.state !== states.RETRY && rank(state) > rank(task.state)
  const time = isKnown ? { [subject]: event.timestamp } : {}
  const clock = Math.max(task.clock, number(event.clock) ?? 0)
  const told = { ...task, ...factsOf(event), ...time, clock }
  return isLate ? told : { ...told, state, timestamp: event.timestamp }
}

/** What an event says of its task, as far as it is of the right kind. */
function factsOf(event: ReceivedEvent): Partial<ClusterTask> {
  const texts = {
    name: event.name,
    args: event.args,
    kwargs: event.kwargs,
    result: event.result,
    exception: event.exception,
    traceback: event.traceback,
    eta: event.eta,
    expires: event.expires,
    queue: event.queue,
    exchange: event.exchange,
    routingKey: event.routing_key,
    rootId: event.root_id,
    parentId: event.parent_id,
  }
  const numbers = { runtime: event.runtime, retries: event.retries }
  const told = [
    ...Object.entries(texts).map(([name, value]) => [name, text(value)] as const),
    ...Object.entries(numbers).map(([name, value]) => [name, number(value)] as const),
  ]
  return Object.fromEntries(told.filter(([, value]) => value !== undefined))
}

const whence = (subject: string, { hostname }: ReceivedEvent): Partial<ClusterTask> =>
  subject === 'sent' ? { client: hostname } : { worker: hostname }

const text = (value: unknown): string | undefined =>
  typeof value === 'string' ? (value.length > longestText ? `${value.slice(0, longestText)}…` : value) : undefined

const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined
