import type { Clock } from '../clock.ts'
import type { Events } from '../events/events.ts'
import type { Logger } from '../log.ts'
import { persist } from '../persist.ts'
import { delayExchange, delayedRoutingKey, longestDelay, waitsAtBroker } from '../protocol/delayed-delivery.ts'
import type { Queue } from '../protocol/entity.ts'
import { describeTask } from '../protocol/event.ts'
import type { Message } from '../protocol/message.ts'
import { encodeTask, type TaskMessage } from '../protocol/task-message.ts'
import type { Transport } from '../transport/transport.ts'
import type { Settings } from './config.ts'
import type { Destination, Route } from './router.ts'
import type { Signals } from './signals.ts'

export interface ProducerOptions {
  readonly transport: Transport
  readonly conf: Settings
  readonly clock: Clock
  readonly signals: Signals
  /** Where `task-sent` is told, if the settings want it. */
  readonly events: Events
  readonly log: Logger
}

/** Publishes task messages: declares each queue once, and tries again while the broker is away for a moment. */
export class Producer {
  readonly #options: ProducerOptions
  readonly #declared = new Map<string, Promise<void>>()

  constructor(options: ProducerOptions) {
    this.#options = options
  }

  /** @throws {CeleryError} BROKER_UNREACHABLE when no attempt was confirmed */
  async publish(message: TaskMessage, { destination, options }: Route): Promise<void> {
    const { conf, clock, signals, log } = this.#options
    const { serializer = conf.taskSerializer, compression = conf.taskCompression } = options
    const encoded = encodeTask(message, clock.now(), { serializer, compression })
    const { args, kwargs, callbacks, errbacks, chain, chord } = message
    const publication = {
      body: [args, kwargs, { callbacks, errbacks, chain, chord }] as const,
      exchange: destination.exchange,
      routingKey: destination.routingKey,
      headers: { ...encoded.headers },
      properties: { ...encoded.properties },
      declare: destination.queue ? [destination.queue] : [],
    }
    await signals.beforeTaskPublish.send(message.task, publication, log)
    const { headers, properties } = publication
    await this.#persist({ ...encoded, headers, properties }, destination, message.eta)
    await signals.afterTaskPublish.send(message.task, publication, log)
    if (conf.taskSendSentEvent) await this.#tellSent(message, destination)
  }

  #persist(message: Message, destination: Destination, eta: Date | null): Promise<void> {
    const { conf, clock } = this.#options
    const policy = conf.taskPublishRetry
      ? conf.taskPublishRetryPolicy
      : { ...conf.taskPublishRetryPolicy, maxRetries: 0 }
    return persist(() => this.#publishOnce(message, destination, eta), clock, policy)
  }

  async #publishOnce(message: Message, { queue, exchange, routingKey }: Destination, eta: Date | null): Promise<void> {
    const { transport } = this.#options
    if (queue) await this.#declareOnce(queue)
    const delay = queue && eta ? this.#delayFor(queue, eta) : 0
    if (queue && delay > 0) {
      await this.#declareDelaysOnce(queue)
      await transport.publish(message, delayExchange, delayedRoutingKey(delay, routingKey))
    } else {
      await transport.publish(message, exchange, routingKey)
    }
  }

  async #tellSent(message: TaskMessage, { queue, exchange, routingKey }: Destination): Promise<void> {
    const where = { queue: queue?.name ?? null, exchange: exchange.name, routing_key: routingKey }
    await this.#options.events.send('task-sent', { ...describeTask(message), ...where })
  }

  /** Whole seconds for which the broker itself shall hold the message. */
  #delayFor(queue: Queue, eta: Date): number {
    const { transport, clock } = this.#options
    if (!waitsAtBroker(queue) || !transport.declareDelays) return 0
    return Math.min(longestDelay, Math.trunc((eta.getTime() - clock.now()) / 1000))
  }

  #declareDelaysOnce(queue: Queue): Promise<void> | undefined {
    const { transport, conf } = this.#options
    const name = `delays of ${queue.name}`
    const declaring =
      this.#declared.get(name) ?? transport.declareDelays?.([queue], conf.brokerNativeDelayedDeliveryQueueType)
    return declaring && this.#once(name, declaring)
  }

  #declareOnce(queue: Queue): Promise<void> {
    return this.#once(queue.name, this.#declared.get(queue.name) ?? this.#options.transport.declare(queue))
  }

  #once(name: string, declaring: Promise<void>): Promise<void> {
    this.#declared.set(name, declaring)
    declaring.catch(() => this.#declared.delete(name))
    return declaring
  }
}
