import { type Clock, isoNow } from '../clock.ts'
import type { Exchange, Queue } from '../protocol/entity.ts'
import type { DeliveryInfo, Message } from '../protocol/message.ts'
import { taskIdOf } from '../protocol/task-message.ts'
import { headersMatch, topicMatches } from './topic.ts'
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
} from './transport.ts'

/**
 * A broker inside the process, for tests: every `memory://name` of one process is the same broker. It behaves like
 * RabbitMQ, without persistence.
 */
export async function openMemory(url: string, { clock }: TransportOptions): Promise<Transport> {
  const broker = brokers.get(url) ?? new Broker()
  brokers.set(url, broker)
  return new MemoryTransport(url, broker, clock)
}

const brokers = new Map<string, Broker>()

interface Entry {
  readonly message: Message
  readonly exchange: string
  readonly routingKey: string
  readonly redelivered: boolean
}

class Broker {
  readonly queues = new Map<string, BrokerQueue>()
  readonly bindings = new Map<string, Set<Queue>>()
  /** What consumers have in hand, with the queue it came from. */
  readonly unacked = new Map<Entry, BrokerQueue>()
  /** Newest first. */
  readonly deadLetters: DeadLetter[] = []

  declare(queue: Queue): BrokerQueue {
    const known = this.queues.get(queue.name) ?? new BrokerQueue(queue)
    this.queues.set(queue.name, known)
    const bound = this.bindings.get(queue.exchange.name) ?? new Set()
    if (![...bound].some((other) => other.name === queue.name && other.routingKey === queue.routingKey))
      bound.add(queue)
    this.bindings.set(queue.exchange.name, bound)
    return known
  }

  delete(name: string): void {
    this.queues.delete(name)
    for (const bound of this.bindings.values()) {
      for (const queue of bound) if (queue.name === name) bound.delete(queue)
    }
  }

  find(taskId: string, queues: readonly string[]): FoundMessage[] {
    const waiting = queues.flatMap((name) => this.queues.get(name)?.line() ?? [])
    const inHand = [...this.unacked].map(([entry, { entity }]) => found(entry, entity.name, undefined))
    return [...waiting, ...inHand].filter(({ message }) => taskIdOf(message) === taskId)
  }

  bury(letter: DeadLetter): void {
    this.deadLetters.unshift(letter)
    this.deadLetters.splice(maxDeadLetters)
  }

  route(exchange: Exchange, routingKey: string, message: Message): BrokerQueue[] {
    if (exchange.name === '') return [this.queues.get(routingKey)].filter((queue) => queue !== undefined)
    const bound = [...(this.bindings.get(exchange.name) ?? [])].filter((queue) => matches(queue, routingKey, message))
    return bound.map((queue) => this.queues.get(queue.name)).filter((queue) => queue !== undefined)
  }
}

const found = (entry: Entry, queue: string, ahead: number | undefined): FoundMessage => ({
  message: entry.message,
  info: infoOf(entry),
  queue,
  ahead,
})

const infoOf = ({ message, exchange, routingKey, redelivered }: Entry): DeliveryInfo => ({
  exchange,
  routingKey,
  priority: message.properties.priority,
  redelivered,
})

function matches(
  { exchange, routingKey: bound, bindingArguments }: Queue,
  routingKey: string,
  message: Message,
): boolean {
  if (exchange.type === 'headers') return headersMatch(bindingArguments ?? {}, message.headers)
  if (exchange.type === 'fanout') return true
  return exchange.type === 'topic' ? topicMatches(bound, routingKey) : bound === routingKey
}

/** Messages by priority, and the consumers that wait for them in turn. */
class BrokerQueue {
  readonly entity: Queue
  readonly #waiting: Entry[] = []
  readonly #consumers: MemoryConsumer[] = []

  constructor(entity: Queue) {
    this.entity = entity
  }

  get size(): number {
    return this.#waiting.length
  }

  get isIdle(): boolean {
    return this.#consumers.length === 0
  }

  /** What waits, next one first. */
  line(): FoundMessage[] {
    return this.#waiting.map((entry, ahead) => found(entry, this.entity.name, ahead))
  }

  push(entry: Entry): void {
    const at = this.#waiting.findIndex((other) => rank(other, this.entity) < rank(entry, this.entity))
    this.#waiting.splice(at === -1 ? this.#waiting.length : at, 0, entry)
    queueMicrotask(() => this.dispatch())
  }

  pushBack(entry: Entry): void {
    this.#waiting.unshift(entry)
    queueMicrotask(() => this.dispatch())
  }

  clear(): number {
    return this.#waiting.splice(0).length
  }

  dispatch(): void {
    for (let tries = this.#consumers.length; tries > 0 && this.#waiting.length > 0; tries--) {
      const consumer = this.#consumers.shift()
      if (!consumer) return
      this.#consumers.push(consumer)
      if (!consumer.hasRoom) continue
      const entry = this.#waiting.shift()
      if (entry) consumer.deliver(entry, this)
      tries = this.#consumers.length + 1
    }
  }

  join(consumer: MemoryConsumer): void {
    this.#consumers.push(consumer)
    queueMicrotask(() => this.dispatch())
  }

  leave(consumer: MemoryConsumer): void {
    const at = this.#consumers.indexOf(consumer)
    if (at !== -1) this.#consumers.splice(at, 1)
  }
}

// As RabbitMQ: a queue has priorities only if it was declared with them.
const rank = (entry: Entry, queue: Queue) => Math.min(entry.message.properties.priority, queue.maxPriority ?? 0)

class MemoryConsumer implements Consumer {
  readonly #queues: BrokerQueue[]
  readonly #broker: Broker
  readonly #clock: Clock
  readonly #onDelivery: (delivery: Delivery) => void
  readonly #unacked = new Map<Entry, BrokerQueue>()
  #prefetch: number

  constructor(
    { broker, clock }: { broker: Broker; clock: Clock },
    queues: BrokerQueue[],
    onDelivery: (delivery: Delivery) => void,
    prefetch: number,
  ) {
    this.#broker = broker
    this.#clock = clock
    this.#queues = queues
    this.#onDelivery = onDelivery
    this.#prefetch = prefetch
    for (const queue of queues) queue.join(this)
  }

  get hasRoom(): boolean {
    return this.#prefetch === 0 || this.#unacked.size < this.#prefetch
  }

  deliver(entry: Entry, queue: BrokerQueue): void {
    const { noAck } = queue.entity
    if (!noAck) this.#hold(entry, queue)
    const settle = (requeue: boolean) => {
      if (!this.#letGo(entry)) return
      if (requeue) queue.pushBack({ ...entry, redelivered: true })
      this.#dispatch()
    }
    this.#onDelivery({
      message: entry.message,
      queue: queue.entity.name,
      info: infoOf(entry),
      isLost: false,
      ack: async () => settle(false),
      reject: async ({ requeue }) => settle(requeue),
      deadLetter: async (reason) => {
        if (!noAck && !this.#unacked.has(entry)) return
        const { headers, body: raw } = entry.message
        this.#broker.bury({ reason, time: isoNow(this.#clock), queue: queue.entity.name, headers, raw })
        settle(false)
      },
    })
  }

  async setPrefetch(count: number): Promise<void> {
    this.#prefetch = count
    this.#dispatch()
  }

  async cancel(): Promise<void> {
    for (const queue of this.#queues) {
      queue.leave(this)
      if (queue.entity.autoDelete && queue.isIdle) this.#broker.delete(queue.entity.name)
    }
  }

  /** Gives back what was not acknowledged, oldest first in line again. */
  restore(): void {
    for (const [entry, queue] of [...this.#unacked].reverse()) {
      this.#letGo(entry)
      queue.pushBack({ ...entry, redelivered: true })
    }
  }

  #hold(entry: Entry, queue: BrokerQueue): void {
    this.#unacked.set(entry, queue)
    this.#broker.unacked.set(entry, queue)
  }

  #letGo(entry: Entry): boolean {
    this.#broker.unacked.delete(entry)
    return this.#unacked.delete(entry)
  }

  #dispatch(): void {
    for (const queue of this.#queues) queueMicrotask(() => queue.dispatch())
  }
}

class MemoryTransport implements Transport {
  readonly name = 'memory'
  readonly url: string
  readonly #broker: Broker
  readonly #clock: Clock
  readonly #consumers = new Set<MemoryConsumer>()

  constructor(url: string, broker: Broker, clock: Clock) {
    this.url = url
    this.#broker = broker
    this.#clock = clock
  }

  async declare(queue: Queue): Promise<void> {
    this.#broker.declare(queue)
  }

  async publish(message: Message, exchange: Exchange, routingKey: string): Promise<number | undefined> {
    const entry = { message, exchange: exchange.name, routingKey, redelivered: false }
    const queues = this.#broker.route(exchange, routingKey, message)
    for (const queue of queues) queue.push(entry)
    return exchange.type === 'fanout' ? queues.length : undefined
  }

  async consume(queues: readonly Queue[], onDelivery: (delivery: Delivery) => void, options: ConsumeOptions = {}) {
    const declared = queues.map((queue) => this.#broker.declare(queue))
    const home = { broker: this.#broker, clock: this.#clock }
    const consumer = new MemoryConsumer(home, declared, onDelivery, options.prefetch ?? 0)
    this.#consumers.add(consumer)
    return consumer
  }

  async size(queue: string): Promise<number> {
    return this.#broker.queues.get(queue)?.size ?? 0
  }

  async purge(queue: string): Promise<number> {
    return this.#broker.queues.get(queue)?.clear() ?? 0
  }

  async delete(queue: Queue): Promise<void> {
    this.#broker.delete(queue.name)
  }

  async find(taskId: string, queues: readonly string[]): Promise<FoundMessage[]> {
    return this.#broker.find(taskId, queues)
  }

  async deadLetters(limit?: number): Promise<DeadLetter[]> {
    return this.#broker.deadLetters.slice(0, limit)
  }

  async bindings(): Promise<Binding[]> {
    return [...this.#broker.bindings].flatMap(([exchange, bound]) =>
      [...bound].map(({ name, routingKey }) => ({ queue: name, exchange, routingKey })),
    )
  }

  async close(): Promise<void> {
    for (const consumer of this.#consumers) {
      await consumer.cancel()
      consumer.restore()
    }
    this.#consumers.clear()
  }
}
