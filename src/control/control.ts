import type { BroadcastOptions, ControlClient } from './client.ts'
import { Inspect, type Replies } from './inspect.ts'

/** Who is asked, and for how long. */
export interface InspectOptions {
  /** Node names; by default everyone. */
  destination?: readonly string[]
  /** Only nodes whose name fits. */
  pattern?: string
  /** @default 'glob' */
  matcher?: 'glob' | 'pcre'
  /** Seconds to wait for answers. @default 1 */
  timeout?: number
  /** Enough answers; by default one of each destination, or of each that hears it, where the broker tells. */
  limit?: number
  /** So many of those that hear it will not answer. @default 0 */
  silent?: number
  /** Ends the waiting: the answers so far are the result. */
  signal?: AbortSignal
  /** Told of each answer as it comes. */
  onReply?: (node: string, reply: unknown) => void
}

export interface ControlOptions extends InspectOptions {
  /** Wait for answers; without, the result is empty. @default false */
  reply?: boolean
}

/** What a node says it did, or why not. */
export type Said = { ok: string } | { error: string } | null

export interface RevocationOptions extends Omit<ControlOptions, 'signal'> {
  /** Also end what runs. @default false */
  terminate?: boolean
  /** With which signal; pools that are no processes can only ask. @default 'SIGTERM' */
  signal?: string
}

export interface ConsumerOptions extends ControlOptions {
  /** @default the queue's name */
  exchange?: string
  /** @default 'direct' */
  exchangeType?: string
  /** @default the queue's name */
  routingKey?: string
}

/**
 * Commands to workers, of any language: Celery's `app.control`. They are sent, and answered only with `reply: true`.
 *
 * @example
 * await app.control.revoke(result.id, { terminate: true })
 * await app.control.rateLimit('mails.send', '10/m', { destination: ['w1@host'], reply: true })
 */
export class Control {
  readonly #client: () => Promise<ControlClient>

  constructor(client: () => Promise<ControlClient>) {
    this.#client = client
  }

  /** Questions, which change nothing. */
  inspect(options: InspectOptions = {}): Inspect {
    return new Inspect((command, args) => this.broadcast(command, args, { ...options, reply: true }))
  }

  /** Sends any command, also one of the app's own. */
  async broadcast<T = Said>(
    command: string,
    args: Record<string, unknown> = {},
    { reply = false, timeout = 1, ...options }: ControlOptions = {},
  ): Promise<Replies<T>> {
    const client = await this.#client()
    const given: BroadcastOptions = { ...options, arguments: args, timeoutMs: timeout * 1000 }
    if (reply) return (await client.ask(command, given)) as Replies<T>
    await client.tell(command, given)
    return {}
  }

  /** Who is there. */
  ping(options: InspectOptions = {}): Promise<Replies<{ ok: 'pong' }>> {
    return this.inspect(options).ping()
  }

  /** Tells workers to ignore tasks. */
  revoke(ids: string | readonly string[], options: RevocationOptions = {}): Promise<Replies<Said>> {
    const { terminate = false, signal = 'SIGTERM', ...rest } = options
    return this.broadcast('revoke', { task_id: ids, terminate, signal }, rest)
  }

  /** Tells workers to ignore tasks with one of these stamps: `{ tenant: ['acme'] }`. */
  revokeByStampedHeaders(
    headers: Readonly<Record<string, string | readonly string[]>>,
    options: RevocationOptions = {},
  ): Promise<Replies<Said>> {
    const { terminate = false, signal = 'SIGTERM', ...rest } = options
    return this.broadcast('revoke_by_stamped_headers', { headers, terminate, signal }, rest)
  }

  /** Ends tasks, whether they run or wait. */
  terminate(
    ids: string | readonly string[],
    options: Omit<RevocationOptions, 'terminate'> = {},
  ): Promise<Replies<Said>> {
    return this.revoke(ids, { ...options, terminate: true })
  }

  /** @param rate `'10/m'`; 0 for no limit */
  rateLimit(task: string, rate: string | number, options?: ControlOptions): Promise<Replies<Said>> {
    return this.broadcast('rate_limit', { task_name: task, rate_limit: rate }, options)
  }

  /** @param limits seconds; what is left out is no limit */
  timeLimit(
    task: string,
    { soft, hard }: { soft?: number; hard?: number },
    options?: ControlOptions,
  ): Promise<Replies<Said>> {
    return this.broadcast('time_limit', { task_name: task, soft: soft ?? null, hard: hard ?? null }, options)
  }

  /** Lets workers serve one more queue. */
  addConsumer(queue: string, options: ConsumerOptions = {}): Promise<Replies<Said>> {
    const { exchange = null, exchangeType = 'direct', routingKey = null, ...rest } = options
    return this.broadcast(
      'add_consumer',
      { queue, exchange, exchange_type: exchangeType, routing_key: routingKey },
      rest,
    )
  }

  /** Lets workers serve a queue no more. */
  cancelConsumer(queue: string, options?: ControlOptions): Promise<Replies<Said>> {
    return this.broadcast('cancel_consumer', { queue }, options)
  }

  /** Lets workers tell what becomes of their tasks. */
  enableEvents(options?: ControlOptions): Promise<Replies<Said>> {
    return this.broadcast('enable_events', {}, options)
  }

  disableEvents(options?: ControlOptions): Promise<Replies<Said>> {
    return this.broadcast('disable_events', {}, options)
  }

  poolGrow(n = 1, options?: ControlOptions): Promise<Replies<Said>> {
    return this.broadcast('pool_grow', { n }, options)
  }

  poolShrink(n = 1, options?: ControlOptions): Promise<Replies<Said>> {
    return this.broadcast('pool_shrink', { n }, options)
  }

  /** Replaces the children of pools that allow it: the setting `workerPoolRestarts`. */
  poolRestart(options?: ControlOptions): Promise<Replies<Said>> {
    return this.broadcast('pool_restart', {}, options)
  }

  autoscale(max: number, min: number, options?: ControlOptions): Promise<Replies<Said>> {
    return this.broadcast('autoscale', { max, min }, options)
  }

  /** Lets workers send a heartbeat now. */
  heartbeat(options?: ControlOptions): Promise<Replies<Said>> {
    return this.broadcast('heartbeat', {}, options)
  }

  /** Lets one of the workers, whichever they agree on, carry out an action; the topic `task` sends a signature. */
  election(id: string, topic: string, action: unknown = null, options?: ControlOptions): Promise<Replies<Said>> {
    return this.broadcast('election', { id, topic, action }, options)
  }

  /** Lets workers finish what they are at, and end. */
  shutdown(options?: ControlOptions): Promise<Replies<Said>> {
    return this.broadcast('shutdown', {}, options)
  }
}
