import type { Redis } from './connection.ts'

/**
 * Waits until one of several lists has something in it, without taking it. Redis can wait only by taking, so each
 * list has a connection that asks to move its last element to where it is: that changes nothing and blocks while the
 * list is empty. It costs a connection a list, and lets the taking itself be one atomic step.
 */
export class Doorbell {
  readonly #keys: readonly string[]
  readonly #connect: () => Promise<Redis>
  readonly #bells: Redis[] = []
  readonly #waiting = new Map<string, Promise<void>>()
  readonly #stopped = Promise.withResolvers<void>()
  #isStopped = false

  constructor(keys: readonly string[], connect: () => Promise<Redis>) {
    this.#keys = keys
    this.#connect = connect
  }

  async start(): Promise<void> {
    this.#bells.push(...(await Promise.all(this.#keys.map(() => this.#connect()))))
    if (this.#isStopped) this.stop()
  }

  /** Resolves when a list has something, or soon after a connection was lost (then it is worth a look too). */
  async ring(): Promise<void> {
    const waits = this.#keys.map((key, i) => {
      const waiting = this.#waiting.get(key) ?? this.#wait(key, this.#bells[i])
      this.#waiting.set(key, waiting)
      return waiting
    })
    await Promise.race([...waits, this.#stopped.promise])
  }

  async #wait(key: string, bell: Redis | undefined): Promise<void> {
    try {
      await bell?.blmove(key, key, 'RIGHT', 'RIGHT', 0)
    } catch {
      if (!this.#isStopped && bell) await isBack(bell)
    } finally {
      this.#waiting.delete(key)
    }
  }

  stop(): void {
    this.#isStopped = true
    this.#stopped.resolve()
    for (const bell of this.#bells) bell.disconnect()
  }
}

function isBack(bell: Redis): Promise<void> {
  if (bell.status === 'ready' || bell.status === 'end') return Promise.resolve()
  return new Promise((resolve) => {
    bell.once('ready', resolve)
    bell.once('end', resolve)
  })
}
