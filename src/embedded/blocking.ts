import type { Clock } from '../clock.ts'
import type { Reply } from './reply.ts'

/** What a blocking command answers when there is nothing for it yet: the wish, as data. */
export interface Wait {
  readonly kind: 'wait'
  readonly keys: readonly string[]
  /** 0 waits for ever. */
  readonly timeoutMs: number
  /** Runs the command on a key that has something now; undefined when that is not enough. */
  serve(key: string): Reply | undefined
  /** The answer where nobody may wait: in a transaction. */
  readonly whenEmpty: Reply
  readonly whenTimedOut: Reply
}

/** A client that waits. */
export interface Waiting {
  /** Answers now, out of turn. */
  finish(reply: Reply): void
  /** Answers as if the time were up. */
  timeOut(): void
  /** The client is gone: nothing is taken from any key for it. */
  cancel(): void
}

interface Waiter extends Waiting {
  readonly wait: Wait
}

/** Who waits for which key of one database, longest first. */
export class Waiters {
  readonly #byKey = new Map<string, Set<Waiter>>()
  readonly #ready = new Set<string>()

  /** Puts a client at the end of each queue; `answer` is called once, unless it is cancelled. */
  add(wait: Wait, clock: Clock, answer: (reply: Reply) => void): Waiting {
    const cancel = () => {
      timer?.cancel()
      for (const key of wait.keys) this.#leave(key, waiter)
    }
    const finish = (reply: Reply) => {
      cancel()
      answer(reply)
    }
    const timeOut = () => finish(wait.whenTimedOut)
    const timer = wait.timeoutMs > 0 ? clock.timer(timeOut, wait.timeoutMs) : undefined
    const waiter = { wait, finish, timeOut, cancel }
    for (const key of wait.keys) this.#join(key, waiter)
    return waiter
  }

  /** Notes that a key has something now; nobody is served before the command that put it there is through. */
  markReady(key: string): void {
    if (this.#byKey.has(key)) this.#ready.add(key)
  }

  /**
   * Serves the ready keys in the order in which they became so, each client at most once: serving may make further
   * keys ready, which come last.
   */
  serve(isReady: (key: string) => boolean): void {
    for (const key of this.#ready) {
      this.#ready.delete(key)
      for (const waiter of this.#byKey.get(key) ?? []) {
        const reply = isReady(key) ? waiter.wait.serve(key) : undefined
        if (reply === undefined) break
        waiter.finish(reply)
      }
    }
  }

  #join(key: string, waiter: Waiter): void {
    const queue = this.#byKey.get(key)
    if (queue) queue.add(waiter)
    else this.#byKey.set(key, new Set([waiter]))
  }

  #leave(key: string, waiter: Waiter): void {
    const queue = this.#byKey.get(key)
    queue?.delete(waiter)
    if (queue?.size === 0) this.#byKey.delete(key)
  }
}
