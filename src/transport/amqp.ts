import {
  type Channel,
  type ChannelModel,
  type ConfirmChannel,
  type ConsumeMessage,
  connect,
  type GetMessage,
  type Options,
  type RecoveringChannelModel,
} from 'amqplib'
import { sleep } from '../clock.ts'
import { CeleryError, messageOf } from '../errors.ts'
import { defaultExchange, type Exchange, type Queue, taskQueue } from '../protocol/entity.ts'
import { isObject } from '../protocol/json.ts'
import type { Message, MessageProperties } from '../protocol/message.ts'
import { addressesOf, maskUrl, parseUrl } from '../url.ts'
import { type TlsOptions, tlsOptions } from './tls.ts'
import {
  type ConsumeOptions,
  type Consumer,
  type DeadLetter,
  type Delivery,
  maxDeadLetters,
  type Transport,
  type TransportOptions,
} from './transport.ts'

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
  #publishing: Promise<ConfirmChannel> | undefined
  #blockedBecause: string | undefined
  #declaring: Promise<Channel> | undefined
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
    this.#publishing = undefined
    this.#declaring = undefined
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
    await this.#attempt(`declare the queue ${queue.name}`, async () => declareOn(await this.#declaringChannel(), queue))
  }

  async publish(message: Message, exchange: Exchange, routingKey: string): Promise<void> {
    const body = Buffer.from(message.body.buffer, message.body.byteOffset, message.body.byteLength)
    let isLate = false
    const send = async () => {
      await this.#declareExchange(exchange)
      const channel = await this.#publishingChannel()
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
      await (await this.#declaringChannel()).assertExchange(name, type, { durable })
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
      const channel = await this.#declaringChannel()
      return (await channel.purgeQueue(queue)).messageCount
    })
  }

  async delete(queue: Queue): Promise<void> {
    await this.#attempt(`delete ${queue.name}`, async () => (await this.#declaringChannel()).deleteQueue(queue.name))
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
        await consumer.join(await this.#channel())
      } catch (error) {
        log.debug(`a consumer's channel could not be opened: ${messageOf(error)}`)
        await sleep(clock, 1_000)
      }
    }
    this.#rejoining.delete(consumer)
  }

  async #bury(message: Message, queue: string, reason: string): Promise<void> {
    await this.declare(deadLetterQueue)
    const time = new Date(this.#options.clock.now()).toISOString()
    await this.publish(asDeadLetter(message, { reason, time, queue }), defaultExchange, deadLetterQueue.name)
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
      return await (await this.#declaringChannel()).checkQueue(queue)
    } catch (error) {
      // A queue that nobody declared holds nothing.
      if (/NOT.FOUND/.test(messageOf(error))) return { messageCount: 0 }
      throw error
    }
  }

  async #channel(): Promise<Channel> {
    return this.#opened(await (await this.#live()).createChannel(), () => {})
  }

  #declaringChannel(): Promise<Channel> {
    const open = async () => this.#opened(await (await this.#live()).createChannel(), forget)
    const forget = () => {
      if (this.#declaring === opening) this.#declaring = undefined
    }
    const opening = this.#declaring ?? open()
    this.#declaring = opening
    opening.catch(forget)
    return opening
  }

  #publishingChannel(): Promise<ConfirmChannel> {
    const open = async () => this.#opened(await (await this.#live()).createConfirmChannel(), forget)
    const forget = () => {
      if (this.#publishing === opening) this.#publishing = undefined
    }
    const opening = this.#publishing ?? open()
    this.#publishing = opening
    opening.catch(forget)
    return opening
  }

  // The broker answers a mistake by closing the channel; the next call opens another.
  #opened<C extends Channel>(channel: C, onClose: () => void): C {
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

/** Where AMQP keeps what nobody could carry out. */
const deadLetterQueue = taskQueue('celery-sandbox.dead-letter', {
  exchange: defaultExchange,
  arguments: { 'x-max-length': maxDeadLetters },
})

const look = (channel: Channel) => channel.get(deadLetterQueue.name, { noAck: false })

/** The body as it was; the headers and what became of it in headers of ours. It must not expire a second time. */
function asDeadLetter(
  message: Message,
  { reason, time, queue }: { reason: string; time: string; queue: string },
): Message {
  const { expiration: _, ...properties } = message.properties
  return {
    ...message,
    properties: { ...properties, deliveryMode: 2 },
    headers: {
      'x-dead-letter-reason': reason,
      'x-dead-letter-time': time,
      'x-dead-letter-queue': queue,
      'x-dead-letter-headers': message.headers,
    },
  }
}

function readDeadLetter({ content, properties }: GetMessage): DeadLetter {
  const given = properties.headers ?? {}
  const headers: unknown = given['x-dead-letter-headers']
  return {
    reason: String(given['x-dead-letter-reason'] ?? ''),
    time: String(given['x-dead-letter-time'] ?? ''),
    queue: String(given['x-dead-letter-queue'] ?? ''),
    headers: isObject(headers) ? headers : {},
    raw: content,
  }
}

/** One broker, or several that stand in for each other in turn. */
class Addresses {
  readonly #all: readonly Options.Connect[]
  #place = 0
  /** amqplib connects to whatever this says at the time. */
  readonly current: Options.Connect
  /** What an encrypted connection needs. */
  readonly tls: TlsOptions

  constructor(url: string) {
    const urls = addressesOf(url)
    this.#all = urls.map(connectOptions)
    this.current = { ...this.#all[0] }
    const encrypted = urls.map(parseUrl).find(({ scheme }) => scheme === 'amqps')
    this.tls = encrypted ? tlsOptions(encrypted.query) : {}
  }

  get count(): number {
    return this.#all.length
  }

  advance(): void {
    this.#place = (this.#place + 1) % this.#all.length
    Object.assign(this.current, this.#all[this.#place])
  }
}

function connectOptions(url: string): Options.Connect {
  const { scheme, hostname, port, username, password, path, query } = parseUrl(url)
  const isTls = scheme === 'amqps'
  return {
    protocol: isTls ? 'amqps' : 'amqp',
    hostname: hostname || '127.0.0.1',
    port: port ?? (isTls ? 5671 : 5672),
    username: username ?? 'guest',
    password: password ?? 'guest',
    vhost: path === '' ? '/' : path, // `amqp://host//` and `amqp://host` both mean the virtual host `/`
    heartbeat: Number(query.heartbeat ?? 30),
  }
}

/** AMQP has 16 bits for it; more is no limit, as in Celery. */
const maxPrefetch = 65_535

/** What a consumer leaves to its transport. */
interface ConsumerHooks {
  /** The broker closed the channel, for a reason of its own. */
  onRefused(reason: string): void
  bury(message: Message, queue: string, reason: string): Promise<void>
  onCancel(): void
}

/** One channel that consumes; a new connection gives it a new one. */
class AmqpConsumer implements Consumer {
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
      info: {
        exchange: raw.fields.exchange,
        routingKey: raw.fields.routingKey,
        priority: raw.properties.priority ?? 0,
        redelivered: raw.fields.redelivered,
      },
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

async function declareOn(channel: Channel, queue: Queue): Promise<void> {
  const { exchange, durable, autoDelete, exclusive, messageTtlMs, expiresMs, maxPriority, queueType } = queue
  await channel.assertQueue(queue.name, {
    durable,
    autoDelete,
    exclusive,
    ...(messageTtlMs !== undefined && { messageTtl: messageTtlMs }),
    ...(expiresMs !== undefined && { expires: expiresMs }),
    ...(maxPriority !== undefined && { maxPriority }),
    arguments: { ...(queueType && { 'x-queue-type': queueType }), ...queue.arguments },
  })
  if (exchange.name === '') return
  await channel.assertExchange(exchange.name, exchange.type, { durable: exchange.durable })
  await channel.bindQueue(queue.name, exchange.name, queue.routingKey, queue.bindingArguments)
}

function publishOptions({ headers, properties, contentType, contentEncoding }: Message): Options.Publish {
  const { correlationId, replyTo, deliveryMode, priority, expiration } = properties
  return {
    headers,
    contentType,
    contentEncoding,
    deliveryMode,
    priority,
    ...(correlationId !== undefined && { correlationId }),
    ...(replyTo !== undefined && { replyTo }),
    ...(expiration !== undefined && { expiration }),
  }
}

function decodeMessage({ content, properties }: ConsumeMessage): Message {
  return {
    headers: properties.headers ?? {},
    properties: decodeProperties(properties),
    contentType: properties.contentType ?? '',
    contentEncoding: properties.contentEncoding ?? 'utf-8',
    body: content,
  }
}

function decodeProperties(given: ConsumeMessage['properties']): MessageProperties {
  return {
    deliveryMode: given.deliveryMode === 1 ? 1 : 2,
    priority: given.priority ?? 0,
    ...(given.correlationId !== undefined && { correlationId: given.correlationId }),
    ...(given.replyTo !== undefined && { replyTo: given.replyTo }),
    ...(given.expiration !== undefined && { expiration: String(given.expiration) }),
  }
}

function connectionError(url: string, cause: unknown): CeleryError {
  const reason = messageOf(cause)
  if (/ACCESS.REFUSED/.test(reason)) {
    return new CeleryError('LOGIN_REFUSED', `${url} refuses the login`, { cause })
  }
  // What amqplib says when the broker answers the opening of a virtual host by closing the connection.
  if (/Expected ConnectionOpenOk/.test(reason)) {
    const message = `${url}: there is no such virtual host, or this user may not enter it`
    return new CeleryError('LOGIN_REFUSED', message, { cause })
  }
  return new CeleryError('BROKER_UNREACHABLE', `cannot reach ${url}: ${reason}`, { cause })
}

/** The one reason that surprises everyone. */
function explained(reason: string): string {
  if (!/acknowledgement.*timed out/.test(reason)) return reason
  return (
    `${reason}\nA task with acksLate ran, or a task with an ETA waited, longer than RabbitMQ's consumer_timeout; it is ` +
    'delivered again. Raise consumer_timeout, or acknowledge early.'
  )
}

function operationError(url: string, what: string, cause: unknown): CeleryError {
  if (cause instanceof CeleryError) return cause
  const reason = messageOf(cause)
  // amqplib found no way to write a header or a property; nothing was sent.
  if (cause instanceof RangeError || cause instanceof TypeError) {
    return new CeleryError('ENCODE_ERROR', `could not ${what}: ${reason}`, { cause })
  }
  if (/PRECONDITION.FAILED/.test(reason)) {
    if (/message size/.test(reason)) {
      const next = 'Keep large data elsewhere and send its address, or raise max_message_size of RabbitMQ.'
      return new CeleryError('ENCODE_ERROR', `could not ${what}: ${reason}`, { cause, next })
    }
    const next = 'Declare it with the arguments it has, or delete it on the broker and let it be made anew.'
    return new CeleryError('IMPROPERLY_CONFIGURED', `cannot ${what}: ${reason}`, { cause, next })
  }
  if (/ACCESS.REFUSED/.test(reason)) {
    return new CeleryError('LOGIN_REFUSED', `may not ${what} on ${url}: ${reason}`, { cause })
  }
  if (/RESOURCE.LOCKED/.test(reason)) {
    return new CeleryError('RESOURCE_LOCKED', `could not ${what} on ${url}: ${reason}`, { cause })
  }
  if (/NOT.FOUND/.test(reason)) {
    const next = 'Declare the exchange or the queue first, or correct its name.'
    return new CeleryError('IMPROPERLY_CONFIGURED', `could not ${what}: ${reason}`, { cause, next })
  }
  return new CeleryError('BROKER_UNREACHABLE', `could not ${what} on ${url}: ${reason}`, { cause })
}
