import type { Queue } from '../../protocol/entity.ts'
import type { Consumer } from '../transport.ts'
import { hangUp, type Redis } from './connection.ts'
import type { Keys } from './keys.ts'

/** A queue bound to a fanout exchange is a subscription on Redis: it hears what is published while it listens. */
export class FanoutSubscription implements Consumer {
  readonly #pattern: string
  readonly #onMessage: (envelope: Uint8Array) => void
  #subscriber: Redis | undefined

  constructor(keys: Keys, queue: Queue, onMessage: (envelope: Uint8Array) => void) {
    this.#pattern = keys.channelPattern(queue)
    this.#onMessage = onMessage
  }

  /** Takes over the connection; ioredis subscribes anew after it was lost. */
  async start(subscriber: Redis): Promise<this> {
    this.#subscriber = subscriber
    subscriber.on('pmessageBuffer', (_pattern: string, _channel: Buffer, envelope: Buffer) => this.#onMessage(envelope))
    await subscriber.psubscribe(this.#pattern)
    return this
  }

  async setPrefetch(): Promise<void> {}

  async cancel(): Promise<void> {
    if (this.#subscriber) hangUp(this.#subscriber)
  }
}
