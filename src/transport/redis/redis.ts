import { randomUUID } from 'node:crypto'
import { isoNow } from '../../clock.ts'
import { CeleryError, messageOf } from '../../errors.ts'
import type { Exchange, Queue } from '../../protocol/entity.ts'
import type { Message } from '../../protocol/message.ts'
import { maskUrl } from '../../url.ts'
import {
  type Binding,
  type ConsumeOptions,
  type Consumer,
  type DeadLetter,
  type Delivery,
  type FoundMessage,
  maxDeadLetters,
  type Transport,
  type TransportOptions,
} from '../transport.ts'
import { type ConnectOptions, connectionError, connectRedis, hangUp, type Redis, redisAddress } from './connection.ts'
import { RedisConsumer } from './consumer.ts'
import { buried, bury } from './dead-letters.ts'
import { Doorbell } from './doorbell.ts'
import { decodeEnvelope, encodeEnvelope } from './envelope.ts'
import { FanoutSubscription } from './fanout.ts'
import { findTask } from './find.ts'
import { Keys } from './keys.ts'
import type { RedisLink } from './link.ts'
import { scriptsOn } from './scripts.ts'
import { Unacked } from './unacked.ts'

/** Speaks kombu's Redis layout, so that Python and TypeScript share queues. Needs Redis 6.2 or newer. */
export async function openRedis(url: string, options: TransportOptions): Promise<Transport> {
  const { onEvent, connectTimeoutMs, masterName, healthCheckInterval, clock } = options
  const healthCheck = { everyMs: healthCheckInterval * 1000, clock }
  const connections = new Connections((extra) =>
    connectRedis(url, { connectTimeoutMs, masterName, healthCheck, code: 'BROKER_UNREACHABLE', ...extra }),
  )
  const commands = await connections.open({
    onLost: (error) => onEvent({ type: 'lost', error: connectionError(url, error, 'BROKER_UNREACHABLE') }),
    onRestored: () => onEvent({ type: 'restored' }),
  })
  return new RedisTransport(url, commands, connections, options)
}

/** Every connection of one transport: whoever opened it, and however far it came, `close` ends it. */
class Connections {
  readonly #connect: (extra: Partial<ConnectOptions>) => Promise<Redis>
  readonly #open = new Set<Redis>()
  #isClosed = false

  constructor(connect: (extra: Partial<ConnectOptions>) => Promise<Redis>) {
    this.#connect = connect
  }

  async open(extra: Partial<ConnectOptions> = {}): Promise<Redis> {
    const connection = await this.#connect(extra)
    this.#open.add(connection)
    connection.once('end', () => this.#open.delete(connection))
    if (this.#isClosed) hangUp(connection)
    return connection
  }

  close(): void {
    this.#isClosed = true
    for (const connection of [...this.#open]) hangUp(connection)
  }
}

class RedisTransport implements Transport {
  readonly name = 'redis'
  readonly url: string
  readonly #link: RedisLink
  readonly #connections: Connections
  /** With the queues that go when the last of their consumers does. */
  readonly #consumers = new Map<Consumer, readonly Queue[]>()
  /** Those that are still there. */
  readonly #transient = new Map<string, Queue>()

  constructor(url: string, commands: Redis, connections: Connections, options: TransportOptions) {
    this.url = maskUrl(url)
    this.#connections = connections
    const scripts = scriptsOn(commands)
    const keys = new Keys(redisAddress(url, options).db, options)
    const unacked = new Unacked(commands, scripts, keys, options)
    const connect = () => connections.open()
    const doorbell = new Doorbell(commands, (extra) => connections.open(extra), options.log)
    this.#link = { keys, doorbell, commands, scripts, unacked, options, connect }
  }

  get #keys(): Keys {
    return this.#link.keys
  }

  async declare(queue: Queue): Promise<void> {
    refuseHeaders(queue.exchange)
    if (queue.exchange.name !== '') {
      await this.#attempt(
        this.#link.commands.sadd(this.#keys.binding(queue.exchange.name), this.#keys.bindingMember(queue)),
      )
    }
  }

  async publish(message: Message, exchange: Exchange, routingKey: string): Promise<number | undefined> {
    refuseHeaders(exchange)
    const envelope = encodeEnvelope(message, exchange.name, routingKey, randomUUID())
    const count = await this.#attempt(this.#send(envelope, message.properties.priority, exchange, routingKey))
    return exchange.type === 'fanout' ? Number(count) : undefined
  }

  async #send(envelope: string, priority: number, exchange: Exchange, routingKey: string): Promise<unknown> {
    const { commands, keys } = this.#link
    if (exchange.name === '') return commands.lpush(keys.list(routingKey, priority), envelope)
    if (exchange.type === 'fanout') return commands.publish(keys.channel(exchange.name, routingKey), envelope)
    const queues = keys.boundQueues(await commands.smembers(keys.binding(exchange.name)), exchange, routingKey)
    return Promise.all(queues.map((queue) => commands.lpush(keys.list(queue, priority), envelope)))
  }

  async consume(queues: readonly Queue[], onDelivery: (delivery: Delivery) => void, options: ConsumeOptions = {}) {
    for (const queue of queues) await this.declare(queue)
    const transient = queues.filter((queue) => queue.autoDelete)
    for (const queue of transient) this.#transient.set(queue.name, queue)
    const parts = await Promise.all([
      ...queues.filter(isFanout).map((queue) => this.#subscribe(queue, onDelivery)),
      ...this.#listConsumers(queues, onDelivery, options.prefetch ?? 0),
    ])
    const consumer: Consumer = {
      setPrefetch: async (count) => void (await Promise.all(parts.map((part) => part.setPrefetch(count)))),
      cancel: async () => {
        this.#consumers.delete(consumer)
        await Promise.all(parts.map((part) => part.cancel()))
        // Without a connection there is another chance when the transport is closed.
        await this.#takeAlong().catch(() => {})
      },
    }
    this.#consumers.set(consumer, transient)
    return consumer
  }

  async #takeAlong(): Promise<void> {
    const served = [...this.#consumers.values()].flat()
    for (const [name, queue] of this.#transient) {
      if (served.some((other) => other.name === name)) continue
      await this.delete(queue)
      this.#transient.delete(name)
    }
  }

  // Queues with and without acknowledgement are taken in different ways, so each kind has a consumer.
  #listConsumers(queues: readonly Queue[], onDelivery: (delivery: Delivery) => void, prefetch: number) {
    const lists = queues.filter((queue) => !isFanout(queue))
    const kinds = [lists.filter((queue) => !queue.noAck), lists.filter((queue) => queue.noAck)]
    return kinds
      .filter((kind) => kind.length > 0)
      .map(async (kind) => new RedisConsumer(this.#link, kind, onDelivery, prefetch).start())
  }

  async #subscribe(queue: Queue, onDelivery: (delivery: Delivery) => void): Promise<Consumer> {
    const { commands, keys, options } = this.#link
    const subscription = new FanoutSubscription(keys, queue, (envelope) => {
      const settled = async () => {}
      const deadLetter = (reason: string) => {
        const letter = { reason, time: isoNow(options.clock), queue: queue.name, raw: envelope }
        return bury(commands, keys, letter)
      }
      const settling = { isLost: false, ack: settled, reject: settled, deadLetter }
      onDelivery({ ...decodeEnvelope(envelope), queue: queue.name, ...settling })
    })
    return subscription.start(await this.#link.connect())
  }

  async size(queue: string): Promise<number> {
    const lengths = await Promise.all(this.#keys.lists(queue).map((key) => this.#link.commands.llen(key)))
    return lengths.reduce((sum, length) => sum + length, 0)
  }

  async purge(queue: string): Promise<number> {
    const size = await this.size(queue)
    await this.#link.commands.del(...this.#keys.lists(queue))
    return size
  }

  async delete(queue: Queue): Promise<void> {
    await this.#link.commands.srem(this.#keys.binding(queue.exchange.name), this.#keys.bindingMember(queue))
    await this.#link.commands.del(...this.#keys.lists(queue.name))
  }

  async bindings(): Promise<Binding[]> {
    return this.#attempt(this.#readBindings())
  }

  async #readBindings(): Promise<Binding[]> {
    const { commands, keys } = this.#link
    const found: Binding[] = []
    for await (const batch of commands.scanStream({ match: keys.bindingsPattern })) {
      for (const key of new Set<string>(batch)) {
        for (const member of await commands.smembers(key)) found.push(keys.boundBy(key, member))
      }
    }
    return found
  }

  async find(taskId: string, queues: readonly string[]): Promise<FoundMessage[]> {
    return this.#attempt(findTask(this.#link, taskId, queues))
  }

  async deadLetters(limit = maxDeadLetters): Promise<DeadLetter[]> {
    return this.#attempt(buried(this.#link.commands, this.#keys, limit))
  }

  async close(): Promise<void> {
    try {
      await Promise.all([...this.#consumers.keys()].map((consumer) => consumer.cancel()))
      await this.#link.unacked.giveBackAll()
      await this.#takeAlong()
    } catch (error) {
      // Without a connection nothing can be given back; the sweep of another worker does it.
      this.#link.options.log.debug(`closed without tidying up: ${messageOf(error)}`)
    } finally {
      this.#link.unacked.stop()
      this.#connections.close()
    }
  }

  async #attempt<T>(command: Promise<T>): Promise<T> {
    try {
      return await command
    } catch (cause) {
      throw refusedCommand(this.url, cause)
    }
  }
}

function refuseHeaders({ name, type }: Exchange): void {
  if (type !== 'headers') return
  const reason = 'a binding on Redis holds a routing key and a pattern, and no headers to compare'
  const next = 'Use a topic exchange, or RabbitMQ.'
  throw new CeleryError('UNSUPPORTED', `the headers exchange '${name}' does not work on Redis: ${reason}`, { next })
}

const isFanout = (queue: Queue) => queue.exchange.type === 'fanout'

function refusedCommand(url: string, cause: unknown): CeleryError {
  if (cause instanceof Error && /^(OOM|MISCONF|READONLY)/.test(cause.message)) {
    return new CeleryError('BROKER_FULL', `${url} does not accept the message: ${cause.message}`, { cause })
  }
  return connectionError(url, cause, 'BROKER_UNREACHABLE')
}
