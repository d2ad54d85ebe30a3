import { glob } from './glob.ts'
import { push, type Reply } from './reply.ts'

export interface Subscriber {
  send(reply: Reply): void
}

/** Who listens to what; a channel exists while somebody does. */
export class Channels {
  readonly #byChannel = new Map<string, Set<Subscriber>>()
  readonly #byPattern = new Map<string, { matches: (channel: string) => boolean; subscribers: Set<Subscriber> }>()

  get patternCount(): number {
    return this.#byPattern.size
  }

  names(): string[] {
    return [...this.#byChannel.keys()]
  }

  subscriberCount(channel: string): number {
    return this.#byChannel.get(channel)?.size ?? 0
  }

  subscribe(channel: string, subscriber: Subscriber): void {
    const subscribers = this.#byChannel.get(channel)
    if (subscribers) subscribers.add(subscriber)
    else this.#byChannel.set(channel, new Set([subscriber]))
  }

  unsubscribe(channel: string, subscriber: Subscriber): void {
    const subscribers = this.#byChannel.get(channel)
    subscribers?.delete(subscriber)
    if (subscribers?.size === 0) this.#byChannel.delete(channel)
  }

  subscribePattern(pattern: string, subscriber: Subscriber): void {
    const entry = this.#byPattern.get(pattern)
    if (entry) entry.subscribers.add(subscriber)
    else this.#byPattern.set(pattern, { matches: glob(pattern), subscribers: new Set([subscriber]) })
  }

  unsubscribePattern(pattern: string, subscriber: Subscriber): void {
    const entry = this.#byPattern.get(pattern)
    entry?.subscribers.delete(subscriber)
    if (entry?.subscribers.size === 0) this.#byPattern.delete(pattern)
  }

  /** How many received it; a subscriber that matches twice counts, and receives, twice. */
  publish(channel: string, message: string): number {
    let receivers = 0
    for (const subscriber of this.#byChannel.get(channel) ?? []) {
      subscriber.send(push('message', channel, message))
      receivers += 1
    }
    for (const [pattern, { matches, subscribers }] of this.#byPattern) {
      if (!matches(channel)) continue
      for (const subscriber of subscribers) subscriber.send(push('pmessage', pattern, channel, message))
      receivers += subscribers.size
    }
    return receivers
  }
}
