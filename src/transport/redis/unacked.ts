import { randomUUID } from 'node:crypto'
import { isoNow, sleep } from '../../clock.ts'
import { messageOf } from '../../errors.ts'
import { exchange } from '../../protocol/entity.ts'
import { dumps, loads } from '../../protocol/json.ts'
import type { TransportOptions } from '../transport.ts'
import type { Redis } from './connection.ts'
import { bury } from './dead-letters.ts'
import { decodeEnvelope, markRedelivered } from './envelope.ts'
import { Holder, hostPrefix } from './holder.ts'
import type { Keys } from './keys.ts'
import type { Scripts } from './scripts.ts'

/** A claim that is fresh is renewed each second; one that was not for so long may have lost its holder. */
const silentSeconds = 2

/** Longer than any round of giving back takes; a worker that dies in the middle holds up the others no longer. */
const mutexMs = 5_000

/** A message that the take script has recorded. */
export interface Taken {
  readonly tag: string
  /** The list it came from. */
  readonly list: string
  readonly envelope: Uint8Array
}

/**
 * The messages that were taken and not yet acknowledged: ours, whose claims it keeps fresh, and those of consumers
 * that vanished, which it gives back: at once if their process was one of this host, else (Python's too) when the
 * claim is older than the visibility timeout.
 */
export class Unacked {
  readonly holder: Holder = new Holder()
  readonly #commands: Redis
  readonly #scripts: Scripts
  readonly #keys: Keys
  readonly #options: TransportOptions
  readonly #mine = new Map<string, Taken>()
  readonly #stopped = new AbortController()
  #acknowledged: string[] = []
  #flushing: Promise<void> = Promise.resolve()
  #isSweeping = false

  constructor(commands: Redis, scripts: Scripts, keys: Keys, options: TransportOptions) {
    this.#commands = commands
    this.#scripts = scripts
    this.#keys = keys
    this.#options = options
  }

  add(taken: Taken): void {
    this.#mine.set(taken.tag, taken)
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
      .zrem(this.#keys.unackedIndex, ...tags)
      .hdel(this.#keys.unacked, ...tags)
    try {
      await transaction.exec()
    } catch {
      // The connection is down. The next sweep tells the broker; until then nobody else gets these messages.
      this.#acknowledged.unshift(...tags)
    }
  }

  /** Back to its queue, behind the others: the next consumer may be a better one. */
  async requeue(tag: string): Promise<void> {
    const taken = this.#mine.get(tag)
    if (taken && this.#mine.delete(tag)) await this.#putBack(taken, 'back')
  }

  /** Away with it, to the dead letters; ours until it is there. */
  async bury(tag: string, letter: { reason: string; time: string; queue: string }): Promise<void> {
    const taken = this.#mine.get(tag)
    if (!taken) return
    await bury(this.#commands, this.#keys, { ...letter, raw: taken.envelope }, tag)
    this.#mine.delete(tag)
  }

  /** Everything we still hold goes back to the front of its queue. */
  async giveBackAll(): Promise<void> {
    const held = [...this.#mine.values()]
    this.#mine.clear()
    await this.#flushing
    await this.#flush()
    await Promise.all(held.map((taken) => this.#putBack(taken, 'front')))
  }

  async #putBack({ tag, list, envelope }: Taken, end: 'front' | 'back'): Promise<void> {
    await this.#scripts.putBack([this.#keys.unackedIndex, this.#keys.unacked, list], tag, markRedelivered(envelope), {
      end,
    })
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
        await this.sweep().catch((error) => log.debug(`sweep of unacknowledged messages put off: ${messageOf(error)}`))
      }
    }
    loop().catch(() => {})
  }

  /** One round: our claims made fresh, and what nobody holds any more given back. */
  async sweep(): Promise<void> {
    if (this.#commands.status !== 'ready') return
    await this.#flush()
    if (this.#mine.size > 0) await this.#scripts.renew([this.#keys.unackedIndex], [...this.#mine.keys()])
    const orphans = await this.#orphans()
    if (orphans.length > 0) await this.#alone(() => this.#restoreAll(orphans))
  }

  async #orphans(): Promise<Claim[]> {
    const { visibilityTimeout } = this.#options
    const silent = Math.min(silentSeconds, visibilityTimeout)
    const found = await this.#scripts.stale([this.#keys.unackedIndex], silent, visibilityTimeout, hostPrefix)
    const isHeld = (tag: string) => this.#mine.has(tag) || this.#acknowledged.includes(tag)
    const claims: Claim[] = []
    for (let i = 0; i < found.length; i += 3) {
      claims.push({ tag: String(found[i]), claimedAt: String(found[i + 1]), isOverdue: found[i + 2] === 1 })
    }
    return claims.filter(({ tag, isOverdue }) => (isOverdue ? !isHeld(tag) : this.holder.isGone(tag, isHeld)))
  }

  /** Under kombu's lock: one gives back at a time, Python or not; whoever comes second looks again a second later. */
  async #alone(action: () => Promise<void>): Promise<void> {
    const token = randomUUID()
    if ((await this.#commands.set(this.#keys.unackedMutex, token, 'PX', mutexMs, 'NX')) === null) return
    try {
      await action()
    } finally {
      await this.#scripts.release([this.#keys.unackedMutex], token)
    }
  }

  async #restoreAll(claims: readonly Claim[]): Promise<void> {
    for (const claim of claims) {
      const entry = await this.#commands.hget(this.#keys.unacked, claim.tag)
      if (entry === null) await this.#commands.zrem(this.#keys.unackedIndex, claim.tag)
      else await this.#restore(claim, entry)
    }
  }

  async #restore({ tag, claimedAt, isOverdue }: Claim, entry: string): Promise<void> {
    const { log, clock, visibilityTimeout } = this.#options
    const record = readRecord(entry)
    if (!record) {
      const letter = { reason: 'what was recorded of it is no message', time: isoNow(clock), queue: '' }
      return bury(this.#commands, this.#keys, { ...letter, raw: Buffer.from(entry) }, tag)
    }
    const { info } = decodeEnvelope(record.envelope)
    const queue = await queueOfRecord(this.#commands, this.#keys, record)
    const list = this.#keys.list(queue, info.priority)
    const envelope = markRedelivered(record.envelope)
    const isBack = await this.#scripts.putBack([this.#keys.unackedIndex, this.#keys.unacked, list], tag, envelope, {
      end: 'front',
      claimedAt,
    })
    const why = isOverdue ? `has been silent for ${visibilityTimeout} s` : 'is dead'
    if (isBack === 1) log.warning(`restored a message of ${queue}: its consumer ${why}`)
  }

  stop(): void {
    this.#stopped.abort()
  }
}

interface Claim {
  readonly tag: string
  /** Seconds since the epoch, as Redis wrote them. */
  readonly claimedAt: string
  /** Older than the visibility timeout. */
  readonly isOverdue: boolean
}

/** What is recorded of a message that was taken. */
export interface Recorded {
  readonly envelope: Uint8Array
  readonly exchange: string
  readonly routingKey: string
}

/** `[envelope, exchange, routing key]`; an envelope that is none is there as a string. */
export function readRecord(entry: string): Recorded | undefined {
  try {
    const [envelope, exchangeName, routingKey] = loads(entry) as unknown[]
    if (typeof exchangeName !== 'string' || typeof routingKey !== 'string') return undefined
    const text = typeof envelope === 'string' ? envelope : dumps(envelope)
    return { envelope: Buffer.from(text), exchange: exchangeName, routingKey }
  } catch {
    return undefined
  }
}

/** The queue that a message was taken from. */
export async function queueOfRecord(
  commands: Redis,
  keys: Keys,
  { exchange: name, routingKey }: Recorded,
): Promise<string> {
  if (name === '') return routingKey
  const members = await commands.smembers(keys.binding(name))
  return keys.boundQueues(members, exchange(name, 'topic'), routingKey)[0] ?? routingKey
}
