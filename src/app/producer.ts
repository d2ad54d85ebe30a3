import type { Clock } from '../clock.ts'
import { persist, type RetryPolicy } from '../persist.ts'
import { delayExchange, delayedRoutingKey, longestDelay, waitsAtBroker } from '../protocol/delayed-delivery.ts'
import type { Queue, QueueType } from '../protocol/entity.ts'
import type { Message } from '../protocol/message.ts'
import type { Transport } from '../transport/transport.ts'
import type { Route } from './router.ts'

type Destination = Pick<Route, 'queue' | 'exchange' | 'routingKey'>

export interface ProducerOptions {
  clock: Clock
  /** What to do while the broker is away. */
  retry: RetryPolicy
  /** Of the queues in which RabbitMQ holds messages for later. */
  delayQueueType: QueueType
}

/** Publishes task messages: declares each queue once, and tries again while the broker is away for a moment. */
export class Producer {
  readonly #transport: Transport
  readonly #options: ProducerOptions
  readonly #declared = new Map<string, Promise<void>>()

  constructor(transport: Transport, options: ProducerOptions) {
    this.#transport = transport
    this.#options = options
  }

  /** @throws {CeleryError} BROKER_UNREACHABLE when no attempt was confirmed */
  async publish(
    message: Message,
    { queue, exchange, routingKey }: Destination,
    eta: Date | null = null,
  ): Promise<void> {
    const { clock, retry } = this.#options
    const publish = async () => {
      if (queue) await this.#declareOnce(queue)
      const delay = queue && eta ? this.#delayFor(queue, eta) : 0
      if (queue && delay > 0) {
        await this.#declareDelaysOnce(queue)
        return this.#transport.publish(message, delayExchange, delayedRoutingKey(delay, routingKey))
      }
      return this.#transport.publish(message, exchange, routingKey)
    }
    await persist(publish, clock, retry)
  }

  /** Whole seconds for which the broker itself shall hold the message. */
  #delayFor(queue: Queue, eta: Date): number {
    if (!waitsAtBroker(queue) || !this.#transport.declareDelays) return 0
    return Math.min(longestDelay, Math.trunc((eta.getTime() - this.#options.clock.now()) / 1000))
  }

  #declareDelaysOnce(queue: Queue): Promise<void> | undefined {
    const name = `delays of ${queue.name}`
    const declaring = this.#declared.get(name) ?? this.#transport.declareDelays?.([queue], this.#options.delayQueueType)
    return declaring && this.#once(name, declaring)
  }

  #declareOnce(queue: Queue): Promise<void> {
    return this.#once(queue.name, this.#declared.get(queue.name) ?? this.#transport.declare(queue))
  }

  #once(name: string, declaring: Promise<void>): Promise<void> {
    this.#declared.set(name, declaring)
    declaring.catch(() => this.#declared.delete(name))
    return declaring
  }
}
