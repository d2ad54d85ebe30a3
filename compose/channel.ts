/** Values on their way from those who have them to the one who reads them, in order. */
export class Channel<T> implements AsyncIterable<T> {
  readonly #capacity: number
  readonly #values: T[] = []
  #over: { readonly error: unknown } | undefined
  #filled = signal()
  #drained = signal()

  /** Beyond `capacity` values, writers who wait are held back. */
  constructor(capacity = 1024) {
    this.#capacity = capacity
  }

  /** Never refuses a value; resolves when there is room for another. */
  async push(value: T): Promise<void> {
    if (this.#over) return
    this.#values.push(value)
    this.#filled.give()
    while (this.#values.length >= this.#capacity && !this.#over) await this.#drained.given
  }

  /** No more values: the reader gets what is there, then the end, or the error. */
  close(error?: unknown): void {
    this.#over ??= { error }
    this.#filled.give()
    this.#drained.give()
  }

  /** The next value; undefined at the end. */
  async next(): Promise<T | undefined> {
    while (true) {
      const value = this.#values.shift()
      if (value !== undefined) {
        this.#drained.give()
        this.#drained = signal()
        return value
      }
      if (this.#over) {
        if (this.#over.error !== undefined) throw this.#over.error
        return undefined
      }
      this.#filled = signal()
      await this.#filled.given
    }
  }

  /** A reader who leaves closes the channel, so that nobody writes in vain. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (let value = await this.next(); value !== undefined; value = await this.next()) yield value
    } finally {
      this.close()
    }
  }
}

function signal(): { readonly given: Promise<void>; readonly give: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { given: promise, give: resolve }
}
