import { randomUUID } from 'node:crypto'
import { CeleryError } from '../errors.ts'
import { type Exchange, type ExchangeType, exchange, type Queue, taskQueue } from '../protocol/entity.ts'

export type QueueOptions = Partial<Omit<Queue, 'name'>>

/**
 * Declares a queue, for the setting `taskQueues`. Without an exchange it has a direct one of its own name.
 *
 * @example
 * queue('images', { exchange: exchange('media', 'topic'), routingKey: 'media.image.#', maxPriority: 9 })
 */
export function queue(name: string, options: QueueOptions = {}): Queue {
  return taskQueue(name, options)
}

/** Every worker that serves it gets each message: a queue of each worker's own on an exchange that all share. */
export function broadcast(name: string, options: QueueOptions = {}): Queue {
  const own = { alias: name, exchange: exchange(name, 'fanout'), routingKey: '', autoDelete: true }
  return taskQueue(`bcast.${randomUUID()}`, { ...own, ...options })
}

const directExchange = exchange('C.dq2')

/** The queue of one worker alone: the setting `workerDirect` makes it serve it. */
export function workerDirect(hostname: string): Queue {
  return taskQueue(`${hostname}.dq2`, { exchange: directExchange, routingKey: hostname, autoDelete: true })
}

/** The settings that say which queues there are. */
export interface QueueSettings {
  readonly taskQueues: readonly (string | Queue)[] | null
  readonly taskDefaultQueue: string
  readonly taskDefaultExchange: string | null
  readonly taskDefaultExchangeType: ExchangeType
  readonly taskDefaultRoutingKey: string | null
  readonly taskQueueMaxPriority: number | null
  readonly taskCreateMissingQueues: boolean
}

/** The queues that an app knows: those of its settings, and those that were asked for by name. */
export class Queues {
  readonly #settings: QueueSettings
  readonly #known = new Map<string, Queue>()
  /** What a worker serves when it is not told. */
  readonly defaults: readonly Queue[]

  constructor(settings: QueueSettings) {
    this.#settings = settings
    const { taskQueues, taskDefaultQueue } = settings
    const declared = taskQueues?.map((given) => (typeof given === 'string' ? this.#make(given) : this.#complete(given)))
    this.defaults = declared ?? [this.#makeDefault(taskDefaultQueue)]
    for (const known of this.defaults) this.#known.set(known.alias ?? known.name, known)
  }

  has(name: string): boolean {
    return this.#known.has(name)
  }

  /** @throws {CeleryError} IMPROPERLY_CONFIGURED when it is not known and none may be made */
  get(name: string): Queue {
    const known = this.#known.get(name)
    if (known) return known
    if (!this.#settings.taskCreateMissingQueues) {
      const next = `Declare it in taskQueues; there are ${[...this.#known.keys()].join(', ')}.`
      throw new CeleryError('IMPROPERLY_CONFIGURED', `there is no queue '${name}'`, { next })
    }
    const { taskDefaultQueue } = this.#settings
    const made = name === taskDefaultQueue ? this.#makeDefault(name) : this.#make(name)
    this.#known.set(name, made)
    return made
  }

  /** The exchange of that name, as the queues that are bound to it know it. */
  exchange(name: string): Exchange | undefined {
    return [...this.#known.values()].find((known) => known.exchange.name === name)?.exchange
  }

  #make(name: string): Queue {
    return this.#complete(taskQueue(name))
  }

  #makeDefault(name: string): Queue {
    const { taskDefaultExchange, taskDefaultExchangeType, taskDefaultRoutingKey } = this.#settings
    return this.#complete(
      taskQueue(name, {
        exchange: exchange(taskDefaultExchange ?? name, taskDefaultExchangeType),
        routingKey: taskDefaultRoutingKey ?? name,
      }),
    )
  }

  #complete(given: Queue): Queue {
    const { taskDefaultRoutingKey, taskDefaultQueue, taskQueueMaxPriority } = this.#settings
    const maxPriority = given.maxPriority ?? taskQueueMaxPriority
    return Object.freeze({
      ...given,
      routingKey: given.routingKey || (taskDefaultRoutingKey ?? taskDefaultQueue),
      ...(maxPriority !== null && { maxPriority }),
    })
  }
}
