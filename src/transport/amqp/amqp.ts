import { type Channel, type ChannelModel, connect, type RecoveringChannelModel } from 'amqplib'
import { isoNow, sleep } from '../../clock.ts'
import { CeleryError, messageOf } from '../../errors.ts'
import { Once } from '../../once.ts'
import { defaultExchange, type Exchange, type Queue, type QueueType } from '../../protocol/entity.ts'
import type { Message } from '../../protocol/message.ts'
import { maskUrl } from '../../url.ts'
import {
  type Binding,
  type ConsumeOptions,
  type DeadLetter,
  type Delivery,
  maxDeadLetters,
  type Transport,
  type TransportOptions,
} from '../transport.ts'
import { Addresses } from './addresses.ts'
import { AmqpConsumer } from './consumer.ts'
import { asDeadLetter, deadLetterQueue, look, readDeadLetter } from './dead-letters.ts'
import { declareDelays, declareOn } from './declare.ts'
import { connectionError, explained, operationError } from './errors.ts'
import { askBindings } from './management.ts'
import { publishOptions } from './message.ts'

/** RabbitMQ and its kin over AMQP 0-9-1, with publisher confirms; the home of amqplib, which also reconnects. */
export async function openAmqp(url: string, options: TransportOptions): Promise<Transport> {
  const transport = new AmqpTransport(url, options)
  await transport.open()
  return transport
}

class AmqpTransport implements Transport {
  readonly name = 'amqp'
  readonly url: string
  readonly #addresses: Addresses
  readonly #options: TransportOptions
  readonly #consumers = new Set<AmqpConsumer>()
  /** Those whose channel the broker closed, until they have another. */
  readonly #rejoining = new Set<AmqpConsumer>()
  readonly #sockets = new AbortController()
  #connection: RecoveringChannelModel | undefined
  /** Resolves when there is a connection. */
  #connected = Promise.withResolvers<void>()
  #blockedBecause: string | undefined
  // The broker answers a mistake by closing the channel; the next call opens another.
  readonly #declaring = new Once((onClose) => this.#channel(onClose))
  readonly #publishing = new Once(async (onClose) =>
    this.#noted(await (await this.#live()).createConfirmChannel(), onClose),
  )
  /** Why the broker closed a channel. */
  readonly #closeReasons = new WeakMap<Channel, Error>()
  /** Known to exist on this connection. */
  readonly #exchanges = new Map<string, Promise<unknown>>()

  constructor(url: string, options: TransportOptions) {
    this.url = maskUrl(url)
    this.#addresses = new Addresses(url)
    this.#options = options
  }

  async open(): Promise<void> {
    const { connectTimeoutMs } = this.#options
    const recovery = {
      initialMaxRetries: this.#addresses.count - 1,
      maxDelay: 2_000,
      waitForConnect: false,
      setup: (model: ChannelModel) => this.#setUp(model),
    }
    // amqplib leaves the socket of a handshake that failed half open, which would keep the process alive.
    const socket = { timeout: connectTimeoutMs, noDelay: true, keepAlive: true, signal: this.#sockets.signal }
    const connection = await connect(this.#addresses.current, { ...socket, ...this.#addresses.tls, recovery })
    this.#connection = connection
    connection.on('error', () => {}) // told by `disconnect`
    connection.on('connect-failed', () => this.#addresses.advance())
    try {
      await connection.waitForConnect()
    } catch (cause) {
      this.#sockets.abort()
      throw connectionError(this.url, cause)
    }
    this.#connected.resolve()
    this.#watch(connection)
  }

  #watch(connection: RecoveringChannelModel): void {
    const { onEvent } = this.#options
    connection.on('disconnect', (error) => {
      this.#addresses.advance()
      this.#connected = Promise.withResolvers()
      onEvent({ type: 'lost', error: connectionError(this.url, error) })
    })
    connection.on('connect', () => {
      this.#connected.resolve()
      onEvent({ type: 'restored' })
    })
    connection.on('blocked', (reason) => {
      this.#blockedBecause = reason
      onEvent({ type: 'blocked', reason })
    })
    connection.on('unblocked', () => {
      this.#blockedBecause = undefined
      onEvent({ type: 'unblocked' })
    })
  }

  /** What every connection, the first and each later one, begins with. */
  async #setUp(model: ChannelModel): Promise<void> {
    model.on('error', () => {})
    this.#publishing.forget()
    this.#declaring.forget()
    this.#blockedBecause = undefined
    this.#exchanges.clear()
    let isLost = false
    model.once('close', () => {
      isLost = true
    })
    for (const consumer of this.#consumers) {
      await consumer.join(await model.createChannel()).catch((error) => {
        // A consumer that is refused alone does not keep the others waiting.
        if (isLost) throw error
        void this.#rejoin(consumer, messageOf(error))
      })
    }
  }

  async declare(queue: Queue): Promise<void> {
    await this.#attempt(`declare the queue ${queue.name}`, async () => declareOn(await this.#declaring.get(), queue))
  }

  async declareDelays(queues: readonly Queue[], type: QueueType): Promise<void> {
    await this.#attempt('declare the queues of delayed messages', async () =>
      declareDelays(await this.#declaring.get(), queues, type),
    )
  }

  async publish(message: Message, exchange: Exchange, routingKey: string): Promise<undefined> {
    const body = Buffer.from(message.body.buffer, message.body.byteOffset, message.body.byteLength)
    let isLate = false
    const send = async () => {
      await this.#declareExchange(exchange)
      const channel = await this.#publishing.get()
      // Its sender was told that it failed, and may have sent it again.
      if (isLate) return
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const onConfirm = (error: unknown) => (error ? reject(this.#closeReasons.get(channel) ?? error) : resolve())
      channel.publish(exchange.name, routingKey, body, publishOptions(message), onConfirm)
      if (this.#options.confirmPublish) return promise
      promise.catch((error) => this.#options.log.error(`a message was lost: ${messageOf(error)}`))
    }
    const onLate = () => {
      isLate = true
      return this.#notTaken()
    }
    const limitMs = this.#options.confirmTimeout * 1000
    await this.#attempt(`publish to ${exchange.name || routingKey}`, () => this.#inTime(send(), limitMs, onLate))
  }

  async #inTime(action: Promise<void>, limitMs: number, onLate: () => Error): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = this.#options.clock.timer(() => reject(onLate()), limitMs)
    await Promise.race([action, late]).finally(() => timer.cancel())
  }

  #notTaken(): CeleryError {
    const what = `${this.url} has not taken a message for ${this.#options.confirmTimeout} s`
    if (this.#blockedBecause === undefined) return new CeleryError('BROKER_UNREACHABLE', what)
    const next = 'Give the broker memory or disk space again; the message may still arrive then.'
    return new CeleryError('BROKER_FULL', `${what}: it is blocked, ${this.#blockedBecause}`, { next })
  }

  // Publishing to an exchange that is not there would cost the channel, and all who publish on it.
  #declareExchange(exchange: Exchange): Promise<unknown> | undefined {
    if (exchange.name === '') return undefined
    const declared = this.#exchanges.get(exchange.name) ?? this.#assertExchange(exchange)
    this.#exchanges.set(exchange.name, declared)
    return declared
  }

  async #assertExchange({ name, type, durable }: Exchange): Promise<void> {
    try {
      await (await this.#declaring.get()).assertExchange(name, type, { durable })
    } catch (error) {
      this.#exchanges.delete(name)
      throw error
    }
  }

  async consume(queues: readonly Queue[], onDelivery: (delivery: Delivery) => void, options: ConsumeOptions = {}) {
    const consumer = new AmqpConsumer(queues, onDelivery, options.prefetch ?? 0, {
      onRefused: (reason) => void this.#rejoin(consumer, reason),
      bury: (message, queue, reason) => this.#bury(message, queue, reason),
      onCancel: () => this.#consumers.delete(consumer),
    })
    await this.#attempt(`consume from ${queues.map((queue) => queue.name)}`, async () =>
      consumer.join(await this.#channel()),
    )
    this.#consumers.add(consumer)
    return consumer
  }

  async size(queue: string): Promise<number> {
    return this.#attempt(`look at ${queue}`, async () => (await this.#passive(queue)).messageCount)
  }

  async purge(queue: string): Promise<number> {
    return this.#attempt(`purge ${queue}`, async () => {
      const channel = await this.#declaring.get()
      return (await channel.purgeQueue(queue)).messageCount
    })
  }

  async delete(queue: Queue): Promise<void> {
    await this.#attempt(`delete ${queue.name}`, async () => (await this.#declaring.get()).deleteQueue(queue.name))
  }

  /**
   * The broker closed a consumer's channel and took its messages back, because one was not acknowledged in time for
   * example. What runs goes on; it will come a second time.
   */
  async #rejoin(consumer: AmqpConsumer, reason: string): Promise<void> {
    if (this.#rejoining.has(consumer)) return
    this.#rejoining.add(consumer)
    const { log, clock } = this.#options
    log.error(`the broker ended a consumer's channel, which is opened anew: ${explained(reason)}`)
    // With a whole new connection it joins by itself.
    while (this.#consumers.has(consumer) && !consumer.hasChannel) {
      try {
        const channel = await this.#channel()
        // Meanwhile it may have joined with a new connection.
        if (consumer.hasChannel) await channel.close()
        else await consumer.join(channel)
      } catch (error) {
        log.debug(`a consumer's channel could not be opened: ${messageOf(error)}`)
        await sleep(clock, 1_000)
      }
    }
    this.#rejoining.delete(consumer)
  }

  async #bury(message: Message, queue: string, reason: string): Promise<void> {
    await this.declare(deadLetterQueue)
    const letter = { reason, time: isoNow(this.#options.clock), queue }
    await this.publish(asDeadLetter(message, letter), defaultExchange, deadLetterQueue.name)
  }

  /** Neither AMQP nor the management plugin shows a message without taking it, which marks it as redelivered. */
  async find(): Promise<never> {
    const next = 'See how many wait in each queue with: celery-sandbox queues'
    throw new CeleryError('UNSUPPORTED', 'RabbitMQ shows a message only to who takes it from its queue', { next })
  }

  async deadLetters(limit = maxDeadLetters): Promise<DeadLetter[]> {
    return this.#attempt(`look at ${deadLetterQueue.name}`, async () => {
      const channel = await this.#channel()
      await declareOn(channel, deadLetterQueue)
      const letters: DeadLetter[] = []
      for (let got = await look(channel); got; got = await look(channel)) letters.unshift(readDeadLetter(got))
      // What was not acknowledged goes back to its place.
      await channel.close()
      return letters.slice(0, limit)
    })
  }

  bindings(): Promise<Binding[]> {
    const { managerPort: port, connectTimeoutMs: timeoutMs } = this.#options
    return askBindings({ broker: this.#addresses.current, port, timeoutMs })
  }

  async close(): Promise<void> {
    const tidy = async () => {
      for (const consumer of this.#consumers) await consumer.cancel().catch(() => {})
      await this.#connection?.close()
    }
    // A broker that does not answer gets no farewell.
    await this.#inTime(tidy(), this.#options.connectTimeoutMs, () => new Error('no answer')).catch(() => {})
    this.#sockets.abort()
  }

  async #passive(queue: string) {
    try {
      return await (await this.#declaring.get()).checkQueue(queue)
    } catch (error) {
      // A queue that nobody declared holds nothing.
      if (/NOT.FOUND/.test(messageOf(error))) return { messageCount: 0 }
      throw error
    }
  }

  async #channel(onClose?: () => void): Promise<Channel> {
    return this.#noted(await (await this.#live()).createChannel(), onClose)
  }

  /** Why the broker closes it is noted, should it do so. */
  #noted<C extends Channel>(channel: C, onClose = () => {}): C {
    channel.on('error', (error) => this.#closeReasons.set(channel, error))
    channel.on('close', onClose)
    return channel
  }

  /** The connection, if it is there or comes back in time: amqplib would wait for ever. */
  async #live(): Promise<RecoveringChannelModel> {
    const { connectTimeoutMs } = this.#options
    const onLate = () => new Error(`there was no connection for ${connectTimeoutMs} ms`)
    await this.#inTime(this.#connected.promise, connectTimeoutMs, onLate)
    if (!this.#connection) throw new Error('the connection is closed')
    return this.#connection
  }

  async #attempt<T>(what: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action()
    } catch (cause) {
      throw operationError(this.url, what, cause)
    }
  }
}
