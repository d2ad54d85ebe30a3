import type { Channel } from 'amqplib'

/** A channel that is opened when first needed, and again once it was closed: so the broker answers a mistake. */
export class LazyChannel<C extends Channel> {
  readonly #open: () => Promise<C>
  #opening: Promise<C> | undefined

  constructor(open: () => Promise<C>) {
    this.#open = open
  }

  get(): Promise<C> {
    if (this.#opening) return this.#opening
    const opening = this.#open()
    this.#opening = opening
    const forget = () => {
      if (this.#opening === opening) this.#opening = undefined
    }
    opening.then((channel) => channel.on('close', forget), forget)
    return opening
  }

  /** The connection is another one. */
  forget(): void {
    this.#opening = undefined
  }
}
