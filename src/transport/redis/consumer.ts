import { isoNow, sleep } from '../../clock.ts'
import { messageOf } from '../../errors.ts'
import type { Queue } from '../../protocol/entity.ts'
import type { Consumer, Delivery } from '../transport.ts'
import { bury } from './dead-letters.ts'
import { decodeEnvelope } from './envelope.ts'
import type { RedisLink } from './link.ts'
import type { Taken } from './unacked.ts'

/** More than this at a time would only move the backlog into our memory. */
const largestBatch = 100

/** Takes messages from the lists of its queues as long as there is room, and waits at the door when there is none. */
export class RedisConsumer implements Consumer {
  readonly #link: RedisLink
  readonly #onDelivery: (delivery: Delivery) => void
  readonly #noAck: boolean
  /** Rotated after each take, so that no queue starves another. */
  #queues: string[]
  #prefetch: number
  #outstanding = 0
  readonly #cancelled = new AbortController()
  /** Why the server refused the last take. */
  #refusal: string | undefined
  #roomMade = Promise.withResolvers<void>()
  #ended: Promise<void> = Promise.resolve()

  constructor(link: RedisLink, queues: readonly Queue[], onDelivery: (delivery: Delivery) => void, prefetch: number) {
    this.#link = link
    this.#queues = queues.map((queue) => queue.name)
    if (link.options.queueOrderStrategy === 'sorted') this.#queues.sort()
    this.#noAck = queues.every((queue) => queue.noAck)
    this.#onDelivery = onDelivery
    this.#prefetch = prefetch
  }

  async start(): Promise<this> {
    if (!this.#noAck) this.#link.unacked.start()
    await this.#link.doorbell.start()
    this.#ended = this.#run()
    return this
  }

  async setPrefetch(count: number): Promise<void> {
    this.#prefetch = count
    this.#makeRoom()
  }

  async cancel(): Promise<void> {
    this.#cancelled.abort()
    this.#makeRoom()
    this.#link.doorbell.ring()
    await this.#ended
  }

  async #run(): Promise<void> {
    while (!this.#cancelled.signal.aborted) {
      try {
        await this.#turn()
      } catch (error) {
        await this.#recover(error)
      }
    }
  }

  async #recover(error: unknown): Promise<void> {
    const { log, clock } = this.#link.options
    if (error instanceof Error && error.name === 'ReplyError') {
      // Full, read-only or forbidden: no bell rings when that is over.
      if (this.#refusal !== error.message) log.warning(`cannot take from ${this.#queues}: ${error.message}`)
      this.#refusal = error.message
      await sleep(clock, 1_000, this.#cancelled.signal).catch(() => {})
    } else {
      // The connection broke in the middle of a take. What was taken is recorded, so the sweep will find it.
      log.debug(`taking from ${this.#queues} failed: ${messageOf(error)}`)
      await this.#wait()
    }
  }

  async #turn(): Promise<void> {
    const room = this.#prefetch === 0 ? largestBatch : Math.min(largestBatch, this.#prefetch - this.#outstanding)
    if (room <= 0) return this.#roomMade.promise
    const taken = await this.#take(room)
    this.#refusal = undefined
    for (const one of taken) this.#deliver(one)
    if (taken.length === 0 && !this.#cancelled.signal.aborted) await this.#wait()
  }

  #wait(): Promise<void> {
    const { doorbell, keys } = this.#link
    return doorbell.wait(this.#queues.flatMap((queue) => keys.lists(queue)))
  }

  async #take(room: number): Promise<Taken[]> {
    const keys = this.#keysInOrder()
    if (this.#noAck) return this.#pop(keys, room)
    const { scripts, unacked, keys: names } = this.#link
    const stem = unacked.holder.nextStem()
    const reply = await scripts.take(
      [names.unackedIndex, names.unacked, ...keys],
      room,
      stem,
      keys.map((key) => names.queueOf(key)),
    )
    const taken: Taken[] = []
    for (let i = 0; i < reply.length; i += 3) {
      const [list, tag, envelope] = reply.slice(i, i + 3)
      if (list && tag && envelope) taken.push({ list: String(list), tag: String(tag), envelope })
    }
    for (const one of taken) unacked.add(one)
    return taken
  }

  async #pop(keys: string[], room: number): Promise<Taken[]> {
    const popped = await Promise.all(keys.map((key) => this.#link.commands.rpopBuffer(key, room)))
    return keys.flatMap((list, i) => (popped[i] ?? []).map((envelope) => ({ list, tag: '', envelope })))
  }

  /** By urgency first, then in the order that was asked for. */
  #keysInOrder(): string[] {
    const { keys, options } = this.#link
    const lists = this.#queues.map((queue) => keys.lists(queue))
    if (options.queueOrderStrategy === 'round_robin')
      this.#queues = [...this.#queues.slice(1), ...this.#queues.slice(0, 1)]
    return keys.prioritySteps.flatMap((_, step) => lists.map((ofQueue) => ofQueue[step] ?? ''))
  }

  #deliver({ list, tag, envelope }: Taken): void {
    const { unacked, commands, keys, options } = this.#link
    const queue = keys.queueOf(list)
    let isSettled = this.#noAck
    const settle = async (how: () => Promise<unknown>) => {
      if (isSettled) return
      isSettled = true
      this.#outstanding -= 1
      this.#makeRoom()
      await how()
    }
    if (!this.#noAck) this.#outstanding += 1
    const ack = () => settle(() => unacked.ack(tag))
    this.#onDelivery({
      ...decodeEnvelope(envelope),
      queue,
      isLost: false, // what is recorded as unacknowledged stays ours, whatever becomes of the connection
      ack,
      reject: ({ requeue }) => (requeue ? settle(() => unacked.requeue(tag)) : ack()),
      deadLetter: (reason) => {
        const letter = { reason, time: isoNow(options.clock), queue }
        return this.#noAck
          ? bury(commands, keys, { ...letter, raw: envelope })
          : settle(() => unacked.bury(tag, letter))
      },
    })
  }

  #makeRoom(): void {
    this.#roomMade.resolve()
    this.#roomMade = Promise.withResolvers()
  }
}
