export const exchangeTypes = ['direct', 'topic', 'fanout', 'headers'] as const

export type ExchangeType = (typeof exchangeTypes)[number]

export const queueTypes = ['classic', 'quorum'] as const

/** RabbitMQ's `x-queue-type`. */
export type QueueType = (typeof queueTypes)[number]

export interface Exchange {
  readonly name: string
  readonly type: ExchangeType
  readonly durable: boolean
}

/** A queue with the one binding that Celery gives it. Times are milliseconds. */
export interface Queue {
  readonly name: string
  /** What routes call it, when its own name is made up. */
  readonly alias?: string
  readonly exchange: Exchange
  readonly routingKey: string
  readonly durable: boolean
  /** Deleted when its last consumer leaves. */
  readonly autoDelete: boolean
  /** Private to the connection that declares it. */
  readonly exclusive: boolean
  /** Taken means gone: no acknowledgement, no redelivery. */
  readonly noAck: boolean
  readonly messageTtlMs?: number
  readonly expiresMs?: number
  /** RabbitMQ's `x-max-priority`. */
  readonly maxPriority?: number
  /** RabbitMQ's `x-queue-type`: `quorum` keeps messages on several nodes. */
  readonly queueType?: QueueType
  /** Headers exchange: what a message's headers must be, `x-match` (`all`, `any`) beside them. */
  readonly bindingArguments?: Readonly<Record<string, unknown>>
  /** Further `x-…` arguments, as the broker takes them. */
  readonly arguments?: Readonly<Record<string, unknown>>
}

export function exchange(name: string, type: ExchangeType = 'direct', options: { durable?: boolean } = {}): Exchange {
  return Object.freeze({ name, type, durable: options.durable ?? true })
}

/** Leads to the queue that the routing key names; always there. */
export const defaultExchange: Exchange = exchange('')

/** A durable task queue: queue, direct exchange and routing key alike, as Celery's create-missing makes it. */
export function taskQueue(name: string, options: Partial<Omit<Queue, 'name'>> = {}): Queue {
  return Object.freeze({
    name,
    exchange: exchange(name),
    routingKey: name,
    durable: true,
    autoDelete: false,
    exclusive: false,
    noAck: false,
    ...options,
  })
}

/** A private mailbox that dies with its owner: control, replies, events. */
export function transientQueue(
  name: string,
  to: Exchange,
  routingKey: string,
  options: Pick<Queue, 'messageTtlMs' | 'expiresMs'> = {},
): Queue {
  return Object.freeze({
    name,
    exchange: to,
    routingKey,
    durable: false,
    autoDelete: true,
    exclusive: true,
    noAck: true,
    ...options,
  })
}
