import type { Clock } from '../clock.ts'
import { persist, type RetryPolicy } from '../persist.ts'
import type { Queue } from '../protocol/entity.ts'
import type { Message } from '../protocol/message.ts'
import type { Transport } from '../transport/transport.ts'
import type { Route } from './router.ts'

type Destination = Pick<Route, 'queue' | 'exchange' | 'routingKey'>

export interface ProducerOptions {
  clock: Clock
  /** What to do while the broker is away. */
  retry: RetryPolicy
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
  async publish(message: Message, { queue, exchange, routingKey }: Destination): Promise<void> {
    const publish = async () => {
      if (queue) await this.#declareOnce(queue)
      await this.#transport.publish(message, exchange, routingKey)
    }
    await persist(publish, this.#options.clock, this.#options.retry)
  }

  #declareOnce(queue: Queue): Promise<void> {
    const declaring = this.#declared.get(queue.name) ?? this.#transport.declare(queue)
    this.#declared.set(queue.name, declaring)
    declaring.catch(() => this.#declared.delete(queue.name))
    return declaring
  }
}
