/** A worker that stands for an election. */
export interface Candidate {
  /** Its logical clock when it stood. */
  readonly clock: number
  /** `hostname.pid` */
  readonly name: string
  readonly topic: string
  readonly action: unknown
}

/** Elections that never end are forgotten: the oldest of more than so many. */
const remembered = 100

/**
 * Who of several workers does what only one shall do. Every worker hears every candidate and every acknowledgement, and
 * comes to the same result by itself, as Python's workers do.
 */
export class Elections {
  readonly #candidates = new Map<string, Candidate[]>()
  /** Acknowledgements, of the elections that this worker takes part in. */
  readonly #acknowledged = new Map<string, number>()

  begin(id: string): void {
    keep(this.#acknowledged, id, 0)
  }

  add(id: string, candidate: Candidate): void {
    keep(this.#candidates, id, [...(this.#candidates.get(id) ?? []), candidate])
  }

  /** @returns the winner, once as many have acknowledged as there are others */
  acknowledge(id: string, others: number): Candidate | undefined {
    const count = this.#acknowledged.get(id)
    if (count === undefined) return undefined
    this.#acknowledged.set(id, count + 1)
    if (count + 1 < others) return undefined
    const [winner] = (this.#candidates.get(id) ?? []).sort(byClock)
    this.#acknowledged.delete(id)
    this.#candidates.delete(id)
    return winner
  }
}

/** Who stood first by the logical clock; of several the first by name. */
const byClock = (a: Candidate, b: Candidate) => a.clock - b.clock || (a.name < b.name ? -1 : 1)

function keep<V>(map: Map<string, V>, id: string, value: V): void {
  map.set(id, value)
  for (const oldest of map.keys()) {
    if (map.size <= remembered) return
    map.delete(oldest)
  }
}
