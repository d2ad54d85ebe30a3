/** A Lamport clock: orders what happened on several nodes whose own clocks disagree. */
export class LamportClock {
  #value = 0

  get value(): number {
    return this.#value
  }

  /** The next tick, for something that happens here. */
  forward(): number {
    this.#value += 1
    return this.#value
  }

  /** Catches up with a tick that came from another node; nonsense changes nothing. */
  adjust(other: number): number {
    if (!Number.isSafeInteger(other)) return this.#value
    this.#value = Math.max(this.#value, other) + 1
    return this.#value
  }
}
