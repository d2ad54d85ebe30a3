export type End = 'left' | 'right'

const smallestCapacity = 8

/** A Redis list: a ring buffer, so that both ends and every index cost the same however long it is. */
export class Deque {
  /** Its length is a power of two; the items lie from `#head` on, around the end. */
  #ring: (string | undefined)[] = new Array(smallestCapacity)
  #head = 0
  #size = 0

  static from(items: readonly string[]): Deque {
    const deque = new Deque()
    for (const item of items) deque.push('right', item)
    return deque
  }

  get size(): number {
    return this.#size
  }

  push(end: End, item: string): void {
    if (this.#size === this.#ring.length) this.#resize(this.#size * 2)
    if (end === 'left') this.#head = this.#slot(-1)
    this.#ring[this.#slot(end === 'left' ? 0 : this.#size)] = item
    this.#size += 1
  }

  pop(end: End): string | undefined {
    if (this.#size === 0) return undefined
    const slot = this.#slot(end === 'left' ? 0 : this.#size - 1)
    const item = this.#ring[slot]
    this.#ring[slot] = undefined
    this.#size -= 1
    if (end === 'left') this.#head = this.#slot(1)
    // A quarter full before it halves: pushing and popping around one length never resizes each time.
    if (this.#ring.length > smallestCapacity && this.#size * 4 <= this.#ring.length) this.#resize(this.#ring.length / 2)
    return item
  }

  /** The item at `index`, counted from the left; undefined beyond either end. */
  at(index: number): string | undefined {
    return index >= 0 && index < this.#size ? this.#ring[this.#slot(index)] : undefined
  }

  /** Replaces the item at `index`, which must exist. */
  set(index: number, item: string): void {
    this.#ring[this.#slot(index)] = item
  }

  /** The items from `from` up to, not including, `to`. */
  slice(from = 0, to = this.#size): string[] {
    const items: string[] = []
    for (let index = from; index < to; index++) items.push(this.#ring[this.#slot(index)] ?? '')
    return items
  }

  #slot(index: number): number {
    return (this.#head + index) & (this.#ring.length - 1)
  }

  #resize(capacity: number): void {
    const items: (string | undefined)[] = this.slice()
    items.length = capacity
    this.#ring = items
    this.#head = 0
  }
}
