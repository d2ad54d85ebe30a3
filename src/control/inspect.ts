/** What each node says, by its name; a node that could not say it has `{error}`. */
export type Replies<T> = Record<string, T>

/** A task in the hands of a worker. */
export interface RequestInfo {
  id: string
  name: string
  args: unknown[]
  kwargs: Record<string, unknown>
  type: string
  hostname: string
  /** Epoch seconds; null until it runs. */
  time_start: number | null
  acknowledged: boolean
  delivery_info: { exchange: string; routing_key: string; priority: number; redelivered: boolean }
  worker_pid: number | null
}

export interface ScheduledInfo {
  /** ISO 8601. */
  eta: string
  priority: number
  request: RequestInfo
}

/** A queue that a worker serves, as kombu describes it. */
export interface QueueInfo {
  name: string
  exchange: { name: string; type: string; [detail: string]: unknown }
  routing_key: string
  [detail: string]: unknown
}

/** Where a task is: running, in hand, or done with. */
export type TaskPlace = 'active' | 'reserved' | 'ready'

type Ask = <T>(command: string, args?: Record<string, unknown>) => Promise<Replies<T>>

/**
 * Asks workers what they know: Celery's `app.control.inspect()`. Nobody's answer is an empty object.
 *
 * @example
 * const running = await app.control.inspect({ destination: ['w1@host'], timeout: 2 }).active()
 */
export class Inspect {
  readonly #ask: Ask

  constructor(ask: Ask) {
    this.#ask = ask
  }

  /** Tasks that run now. */
  active(): Promise<Replies<RequestInfo[]>> {
    return this.#ask('active')
  }

  activeQueues(): Promise<Replies<QueueInfo[]>> {
    return this.#ask('active_queues')
  }

  /** The logical clock. */
  clock(): Promise<Replies<{ clock: number }>> {
    return this.#ask('clock')
  }

  /** Settings, without secrets. */
  conf({ withDefaults = false } = {}): Promise<Replies<Record<string, unknown>>> {
    return this.#ask('conf', { with_defaults: withDefaults })
  }

  /** What nodes tell each other when they meet; `revoked` maps ids to times, in epoch seconds. */
  hello(fromNode: string, revoked: Record<string, unknown> = {}): Promise<Replies<HelloReply | null>> {
    return this.#ask('hello', { from_node: fromNode, revoked })
  }

  /** Memory in use: `'55.84MB'`. */
  memsample(): Promise<Replies<string>> {
    return this.#ask('memsample')
  }

  ping(): Promise<Replies<{ ok: 'pong' }>> {
    return this.#ask('ping')
  }

  queryTask(...ids: string[]): Promise<Replies<Record<string, [TaskPlace, RequestInfo]>>> {
    return this.#ask('query_task', { ids })
  }

  /** Names of tasks, with what they have of the named attributes, by default exchange, routing_key and rate_limit. */
  registered(...attributes: string[]): Promise<Replies<string[]>> {
    return this.#ask('registered', { taskinfoitems: attributes })
  }

  /** Versions and settings, for a bug report. */
  report(): Promise<Replies<{ ok: string }>> {
    return this.#ask('report')
  }

  /** Tasks in hand that wait for a place. */
  reserved(): Promise<Replies<RequestInfo[]>> {
    return this.#ask('reserved')
  }

  /** Ids that shall not run. */
  revoked(): Promise<Replies<string[]>> {
    return this.#ask('revoked')
  }

  /** Tasks in hand that wait for their time. */
  scheduled(): Promise<Replies<ScheduledInfo[]>> {
    return this.#ask('scheduled')
  }

  stats(): Promise<Replies<Record<string, unknown>>> {
    return this.#ask('stats')
  }

  /** A command of the app's own. */
  request<T = unknown>(command: string, args: Record<string, unknown> = {}): Promise<Replies<T>> {
    return this.#ask(command, args)
  }
}

export interface HelloReply {
  /** Id → when it was revoked, in seconds, and the id once more. */
  revoked: Record<string, unknown>
  clock: number
}
