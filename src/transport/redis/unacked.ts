import { sleep } from '../../clock.ts'
import { exchange } from '../../protocol/entity.ts'
import { loads } from '../../protocol/json.ts'
import type { TransportOptions } from '../transport.ts'
import type { Redis } from './connection.ts'
import { decodeEnvelope, markRedelivered } from './envelope.ts'
import { bindingKey, boundQueues, listKey, unackedIndexKey, unackedKey } from './keys.ts'
import type { Scripts } from './scripts.ts'

const keys = [unackedIndexKey, unackedKey]

/**
 * The messages that were taken and not yet acknowledged: ours, whose claims it keeps fresh, and those of consumers
 * that vanished (also Python's), which it gives back once their claim is older than the visibility timeout.
 */
export class Unacked {
  readonly #commands: Redis
  readonly #scripts: Scripts
  readonly #options: TransportOptions
  readonly #mine = new Map<string, string>()
  readonly #stopped = new AbortController()
  #acknowledged: string[] = []
  #flushing: Promise<void> = Promise.resolve()
  #isSweeping = false

  constructor(commands: Redis, scripts: Scripts, options: TransportOptions) {
    this.#commands = commands
    this.#scripts = scripts
    this.#options = options
  }

  /** Remembers a message that the take script has just recorded. */
  add(tag: string, envelope: string): void {
    this.#mine.set(tag, envelope)
  }

  /** All acknowledgements of one turn of the event loop travel together. */
  ack(tag: string): Promise<void> {
    if (!this.#mine.delete(tag)) return Promise.resolve()
    if (this.#acknowledged.push(tag) === 1) this.#flushing = Promise.resolve().then(() => this.#flush())
    return this.#flushing
  }

  async #flush(): Promise<void> {
    const tags = this.#acknowledged
    if (tags.length === 0) return
    this.#acknowledged = []
    const transaction = this.#commands
      .multi()
      .zrem(unackedIndexKey, ...tags)
      .hdel(unackedKey, ...tags)
    try {
      await transaction.exec()
    } catch {
      // The connection is down. The next sweep tells the broker; until then nobody else gets these messages.
      this.#acknowledged.unshift(...tags)
    }
  }

  /** Back to its queue, behind the others: the next consumer may be a better one. */
  async requeue(tag: string): Promise<void> {
    const envelope = this.#mine.get(tag)
    if (envelope !== undefined && this.#mine.delete(tag)) await this.#putBack(tag, envelope, 'back')
  }

  /** Everything we still hold goes back to the front of its queue. */
  async giveBackAll(): Promise<void> {
    const held = [...this.#mine]
    this.#mine.clear()
    await this.#flushing
    await Promise.all(held.map(([tag, envelope]) => this.#putBack(tag, envelope, 'front')))
  }

  async #putBack(tag: string, envelope: string, end: 'front' | 'back'): Promise<void> {
    const { info } = decodeEnvelope(envelope)
    const queue = await this.#queueOf(info.exchange, info.routingKey)
    await this.#scripts.putBack([...keys, listKey(queue, info.priority)], tag, markRedelivered(envelope), end)
  }

  async #queueOf(exchangeName: string, routingKey: string): Promise<string> {
    if (exchangeName === '') return routingKey
    const members = await this.#commands.smembers(bindingKey(exchangeName))
    return boundQueues(members, exchange(exchangeName, 'topic'), routingKey)[0] ?? routingKey
  }

  /** Begins to sweep, as soon as there is a consumer. */
  start(): void {
    if (this.#isSweeping) return
    this.#isSweeping = true
    const { clock, log, visibilityTimeout } = this.#options
    const everyMs = Math.min(1_000, visibilityTimeout * 250)
    const loop = async () => {
      for (;;) {
        await sleep(clock, everyMs, this.#stopped.signal)
        await this.sweep().catch((error) => log.debug(`sweep of unacknowledged messages put off: ${error}`))
      }
    }
    loop().catch(() => {})
  }

  /** One round: our claims made fresh, expired ones of others given back. */
  async sweep(): Promise<void> {
    if (this.#commands.status !== 'ready') return
    await this.#flush()
    if (this.#mine.size > 0) await this.#scripts.renew([unackedIndexKey], [...this.#mine.keys()])
    const found = await this.#scripts.expired(keys, this.#options.visibilityTimeout)
    for (let i = 0; i < found.length; i += 2) await this.#restore(found[i] ?? '', found[i + 1])
  }

  async #restore(tag: string, entry: string | null | undefined): Promise<void> {
    const { log } = this.#options
    if (!entry) return void (await this.#commands.zrem(unackedIndexKey, tag))
    // An entry is `[envelope, exchange, routing key]`, so the envelope's own text begins after the bracket.
    const [, exchangeName, routingKey] = loads(entry) as [unknown, string, string]
    const envelope = entry
      .slice(1, entry.length - JSON.stringify([exchangeName, routingKey]).length)
      .replace(/,\s*$/, '')
    await this.#putBack(tag, envelope, 'front')
    log.warning(
      `restored a message for ${routingKey}: its consumer has been silent for ${this.#options.visibilityTimeout} s`,
    )
  }

  stop(): void {
    this.#stopped.abort()
  }
}
