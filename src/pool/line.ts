/** Who waits for a place: first come, first served. */
export class Line<Place> {
  readonly #waiting = new Set<(place: Place | undefined) => void>()

  /** Resolves with a place, or with undefined when the line is sent away. */
  wait(): Promise<Place | undefined> {
    return new Promise((resolve) => this.#waiting.add(resolve))
  }

  /** Gives a place to the first in line; false when nobody waits. */
  give(place: Place): boolean {
    for (const first of this.#waiting) {
      this.#waiting.delete(first)
      first(place)
      return true
    }
    return false
  }

  sendAway(): void {
    for (const waiting of this.#waiting) waiting(undefined)
    this.#waiting.clear()
  }
}
