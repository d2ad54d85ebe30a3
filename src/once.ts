/** Something made when first asked for, and made again if that failed or it is of no use any more. */
export class Once<T> {
  readonly #make: (onEnd: () => void) => Promise<T>
  #made: Promise<T> | undefined

  /** @param make what it makes may end by itself, and says so with `onEnd` */
  constructor(make: (onEnd: () => void) => Promise<T>) {
    this.#make = make
  }

  get(): Promise<T> {
    if (this.#made) return this.#made
    const onEnd = () => {
      if (this.#made === making) this.#made = undefined
    }
    const making = this.#make(onEnd)
    this.#made = making
    making.catch(onEnd)
    return making
  }

  /** Whether it was asked for, and did not fail or end. */
  get isMade(): boolean {
    return this.#made !== undefined
  }

  /** Hands over what was made, if anything; the next `get` makes a new one. */
  forget(): Promise<T> | undefined {
    const made = this.#made
    this.#made = undefined
    return made
  }

  /** Forgets it, and ends what was made; what could not be made needs no end. */
  async release(end: (made: T) => void | Promise<void>): Promise<void> {
    await this.forget()?.then(end, () => {})
  }
}
