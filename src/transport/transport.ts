import type { Clock } from '../clock.ts'
import type { CeleryError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { Exchange, Queue, QueueType } from '../protocol/entity.ts'
import type { DeliveryInfo, Message } from '../protocol/message.ts'

/** Carries messages between nodes. One connection (or a few) to one broker, reconnecting by itself. */
export interface Transport {
  readonly name: 'memory' | 'redis' | 'amqp'
  /** Without secrets, for people. */
  readonly url: string

  /** Makes sure that the queue, its exchange and its binding exist. */
  declare(queue: Queue): Promise<void>

  /**
   * Makes sure that the broker can hold messages for these queues until their time, where it can do that itself: for
   * routing keys of protocol/delayed-delivery.
   */
  declareDelays?(queues: readonly Queue[], type: QueueType): Promise<void>

  /**
   * Resolves once the broker has the message. A message that no queue wants is gone, as brokers have it.
   *
   * @returns how many hear it, of a fanout exchange, where the broker tells: Redis and memory
   * @throws {CeleryError} BROKER_UNREACHABLE when that did not happen; whether it arrived is then unknown.
   */
  publish(message: Message, exchange: Exchange, routingKey: string): Promise<number | undefined>

  /** Declares the queues and delivers from them, across reconnections, until cancelled. */
  consume(
    queues: readonly Queue[],
    onDelivery: (delivery: Delivery) => void,
    options?: ConsumeOptions,
  ): Promise<Consumer>

  /** Messages waiting in a queue: neither delivered nor gone. */
  size(queue: string): Promise<number>
  /** Deletes what waits; returns how many messages that were. */
  purge(queue: string): Promise<number>
  /** Deletes the queue with what waits in it. */
  delete(queue: Queue): Promise<void>

  /**
   * Messages that call a task: those that wait in the queues, and those that somebody took from any queue and has not
   * acknowledged. They stay where they are.
   *
   * @throws {CeleryError} UNSUPPORTED when the broker shows a message only to who takes it, as RabbitMQ does
   */
  find(taskId: string, queues: readonly string[]): Promise<FoundMessage[]>

  /** What was put aside with `Delivery.deadLetter`, newest first; the broker keeps the last thousand. */
  deadLetters(limit?: number): Promise<DeadLetter[]>

  /**
   * How queues are bound to exchanges.
   *
   * @throws {CeleryError} UNSUPPORTED when the broker does not tell: RabbitMQ needs its management plugin for that
   */
  bindings(): Promise<Binding[]>

  /** Gives unacknowledged messages back to their queues, and leaves nothing open. */
  close(): Promise<void>
}

/** A message where it is. */
export interface FoundMessage {
  readonly message: Message
  readonly info: DeliveryInfo
  readonly queue: string
  /** How many will be taken from the queue before it; undefined when somebody has it in hand. */
  readonly ahead: number | undefined
}

/** A queue gets what an exchange has for a routing key. */
export interface Binding {
  readonly queue: string
  /** Empty for the default exchange, to which every queue of RabbitMQ is bound. */
  readonly exchange: string
  readonly routingKey: string
}

export interface ConsumeOptions {
  /** Deliveries that may be unacknowledged at one time; 0 (the default) is no limit. */
  prefetch?: number
}

export interface Consumer {
  /** Takes effect for the next delivery. */
  setPrefetch(count: number): Promise<void>
  /** Ends deliveries; those already made can still be acknowledged. */
  cancel(): Promise<void>
}

/** One message in the hands of its consumer. Acknowledging or rejecting a second time does nothing. */
export interface Delivery {
  readonly message: Message
  readonly queue: string
  readonly info: DeliveryInfo
  /** What is wrong with a message that could not be read as a whole; its other fields hold what could. */
  readonly fault?: CeleryError
  /** The broker has taken it back, as brokers do whose connection is lost: someone will get it again. */
  readonly isLost: boolean
  /** Done: the broker may forget it. */
  ack(): Promise<void>
  /** Not done: back to the queue for anyone, or away with it. */
  reject(options: { requeue: boolean }): Promise<void>
  /** Never to be done: away from the queue, and kept with the reason for people to look at. */
  deadLetter(reason: string): Promise<void>
}

/** A message that nobody could carry out. */
export interface DeadLetter {
  readonly reason: string
  /** When it was put aside, in ISO 8601. */
  readonly time: string
  readonly queue: string
  /** As far as they could be read. */
  readonly headers: Readonly<Record<string, unknown>>
  /** The bytes that the broker had: on Redis the whole envelope, elsewhere the body. */
  readonly raw: Uint8Array
}

/** How many dead letters a broker keeps; the oldest make room. */
export const maxDeadLetters = 1_000

/** What befalls a connection while it is in use. */
export type TransportEvent =
  | { readonly type: 'lost'; readonly error: Error }
  | { readonly type: 'restored' }
  /** The broker takes no more messages for now (memory or disk alarm); publishing waits. */
  | { readonly type: 'blocked'; readonly reason: string }
  | { readonly type: 'unblocked' }

export interface TransportOptions extends DriverOptions {
  clock: Clock
  log: Logger
  /** Milliseconds to wait for the first connection. */
  connectTimeoutMs: number
  onEvent: (event: TransportEvent) => void
}

/** What only one driver knows: Celery's `broker_transport_options`, as far as they do something here. */
export interface DriverOptions {
  /** Redis: seconds after which a message that nobody acknowledged goes to another consumer. */
  visibilityTimeout: number
  /** Redis: what the name of every key and channel begins with. */
  globalKeyprefix: string
  /** Redis: stands between a queue's name and its priority step, and inside bindings. */
  sep: string
  /** Redis: the priorities that have a list of their own. */
  prioritySteps: readonly number[]
  /** Redis: which of several queues is looked at first: each in turn, by name, or as they are listed. */
  queueOrderStrategy: (typeof queueOrderStrategies)[number]
  /** Redis: fanout channels begin with the number of the database. */
  fanoutPrefix: boolean
  /** Redis: fanout channels end with the routing key. */
  fanoutPatterns: boolean
  /** Redis: seconds between questions whether the connection still lives; without an answer a new one is made. */
  healthCheckInterval: number
  /** Sentinel: the name of the master. */
  masterName: string | null
  /** AMQP: a message counts as sent when the broker has it, not when it was written to the socket. */
  confirmPublish: boolean
  /** AMQP: seconds to wait for the broker to take a message. */
  confirmTimeout: number
  /** AMQP: where RabbitMQ's management plugin listens, on the broker's host. */
  managerPort: number
}

export const queueOrderStrategies = ['round_robin', 'sorted', 'priority'] as const
