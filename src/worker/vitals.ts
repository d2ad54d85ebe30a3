/**
 * What a worker's heartbeats tell, in memory that its threads share: a thread that stands in for a blocked event loop
 * reads it there. Each field has one writer at a time, the loop or, while that is blocked, the other.
 */
export class Vitals {
  readonly memory: SharedArrayBuffer
  readonly #fields: Float64Array

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(4 * Float64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory
    this.#fields = new Float64Array(memory)
  }

  /** When the event loop sent the last heartbeat, in epoch milliseconds. */
  get beatAt(): number {
    return this.#fields[0] ?? 0
  }

  set beatAt(time: number) {
    this.#fields[0] = time
  }

  /** The logical clock. */
  get clock(): number {
    return this.#fields[1] ?? 0
  }

  set clock(value: number) {
    this.#fields[1] = value
  }

  /** Tasks that run. */
  get active(): number {
    return this.#fields[2] ?? 0
  }

  set active(count: number) {
    this.#fields[2] = count
  }

  /** Tasks that are done. */
  get processed(): number {
    return this.#fields[3] ?? 0
  }

  set processed(count: number) {
    this.#fields[3] = count
  }
}
