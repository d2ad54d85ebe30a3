/** Something made when first asked for, and made again if that failed. */
export class Once<T> {
  readonly #make: () => Promise<T>
  #made: Promise<T> | undefined

  constructor(make: () => Promise<T>) {
    this.#make = make
  }

  get(): Promise<T> {
    if (this.#made) return this.#made
    const making = this.#make()
    this.#made = making
    making.catch(() => {
      if (this.#made === making) this.#made = undefined
    })
    return making
  }

  /** Whether it was asked for, and did not fail. */
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
