import type { Channel, ConsumeMessage } from 'amqplib'
import { messageOf } from '../../errors.ts'
import { hasWaited } from '../../protocol/delayed-delivery.ts'
import type { Queue } from '../../protocol/entity.ts'
import type { DeliveryInfo, Message } from '../../protocol/message.ts'
import type { Consumer, Delivery } from '../transport.ts'
import { declareOn } from './declare.ts'
import { decodeMessage } from './message.ts'

/** AMQP has 16 bits for it; more is no limit, as in Celery. */
const maxPrefetch = 65_535

/** What a consumer leaves to its transport. */
export interface ConsumerHooks {
  /** The broker closed the channel, for a reason of its own. */
  onRefused(reason: string): void
  bury(message: Message, queue: string, reason: string): Promise<void>
  onCancel(): void
}

/** One channel that consumes; a new connection gives it a new one. */
export class AmqpConsumer implements Consumer {
  readonly #queues: readonly Queue[]
  readonly #onDelivery: (delivery: Delivery) => void
  readonly #hooks: ConsumerHooks
  #prefetch: number
  #channel: Channel | undefined
  #tags: string[] = []

  constructor(
    queues: readonly Queue[],
    onDelivery: (delivery: Delivery) => void,
    prefetch: number,
    hooks: ConsumerHooks,
  ) {
    this.#queues = queues
    this.#onDelivery = onDelivery
    this.#hooks = hooks
    this.#prefetch = prefetch
  }

  get hasChannel(): boolean {
    return this.#channel !== undefined
  }

  async join(channel: Channel): Promise<void> {
    let hasJoined = false
    // An error of the channel alone: when the connection is lost there is none.
    channel.on('error', (error) => {
      this.#leave(channel)
      if (hasJoined) this.#hooks.onRefused(messageOf(error))
    })
    channel.on('close', () => this.#leave(channel))
    this.#channel = channel
    this.#tags = []
    if (this.#prefetch > 0) await this.setPrefetch(this.#prefetch)
    for (const queue of this.#queues) await declareOn(channel, queue)
    for (const queue of this.#queues) await this.#consume(channel, queue)
    hasJoined = true
  }

  #leave(channel: Channel): void {
    if (this.#channel === channel) this.#channel = undefined
  }

  async #consume(channel: Channel, queue: Queue): Promise<void> {
    const onMessage = (message: ConsumeMessage | null) => {
      if (message) this.#deliver(channel, queue, message)
      else void this.#revive(channel, queue)
    }
    const { consumerTag } = await channel.consume(queue.name, onMessage, { noAck: queue.noAck })
    this.#tags.push(consumerTag)
  }

  // Someone deleted the queue while we listened.
  async #revive(channel: Channel, queue: Queue): Promise<void> {
    try {
      await declareOn(channel, queue)
      await this.#consume(channel, queue)
    } catch {
      // That cost the channel, and another one is on its way.
    }
  }

  async setPrefetch(count: number): Promise<void> {
    this.#prefetch = count
    await this.#channel?.prefetch(count > maxPrefetch ? 0 : count, this.#isGlobal)
  }

  /** One limit for all queues, that can change. Quorum queues know only one for each, as it is when they begin. */
  get #isGlobal(): boolean {
    return this.#queues.every(({ queueType }) => queueType !== 'quorum')
  }

  async cancel(): Promise<void> {
    this.#hooks.onCancel()
    const channel = this.#channel
    if (!channel) return
    try {
      // What was delivered can still be acknowledged, where there is something to acknowledge.
      if (this.#queues.every((queue) => queue.noAck)) await channel.close()
      else await Promise.all(this.#tags.splice(0).map((tag) => channel.cancel(tag)))
    } catch (error) {
      if (this.hasChannel) throw error
    }
  }

  #deliver(channel: Channel, queue: Queue, raw: ConsumeMessage): void {
    let isSettled = queue.noAck
    const isLost = () => !queue.noAck && channel !== this.#channel
    const settle = async (how: () => void) => {
      if (isSettled) return
      isSettled = true
      if (!isLost()) how()
    }
    const message = decodeMessage(raw)
    this.#onDelivery({
      message,
      queue: queue.name,
      info: infoOf(raw, queue),
      // A channel that is gone took its messages back to the queue.
      get isLost() {
        return isLost()
      },
      ack: () => settle(() => channel.ack(raw)),
      reject: ({ requeue }) => settle(() => channel.reject(raw, requeue)),
      deadLetter: async (reason) => {
        if ((isSettled && !queue.noAck) || isLost()) return
        await this.#hooks.bury(message, queue.name, reason)
        await settle(() => channel.ack(raw))
      },
    })
  }
}

function infoOf({ fields, properties }: ConsumeMessage, queue: Queue): DeliveryInfo {
  const { exchange, routingKey, redelivered } = fields
  // The way back, for a retry, is that of the queue; not through the stages of a delay.
  const way = hasWaited({ exchange }) ? { exchange: '', routingKey: queue.name } : { exchange, routingKey }
  return { ...way, priority: properties.priority ?? 0, redelivered }
}
