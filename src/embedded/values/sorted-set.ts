import { SortedList } from './sorted-list.ts'

export interface Scored {
  readonly member: string
  readonly score: number
}

/** A Redis sorted set: members by score, equal scores by bytes. */
export class SortedSet {
  readonly #byMember = new Map<string, Scored>()
  readonly #inOrder = new SortedList<Scored>(byScoreThenMember)

  static from(entries: Iterable<Scored>): SortedSet {
    const set = new SortedSet()
    for (const { member, score } of entries) set.set(member, score)
    return set
  }

  get size(): number {
    return this.#byMember.size
  }

  score(member: string): number | undefined {
    return this.#byMember.get(member)?.score
  }

  /** Adds the member, or moves it to its new score. */
  set(member: string, score: number): void {
    this.delete(member)
    const entry = { member, score }
    this.#byMember.set(member, entry)
    this.#inOrder.add(entry)
  }

  delete(member: string): boolean {
    const entry = this.#byMember.get(member)
    if (!entry) return false
    this.#inOrder.remove(entry)
    return this.#byMember.delete(member)
  }

  /** The member's place, lowest score first. */
  rank(member: string): number | undefined {
    const entry = this.#byMember.get(member)
    return entry && this.#inOrder.rank(entry)
  }

  /** How many entries `holds` is true for; it must be true for the lowest ones and for no higher one. */
  count(holds: (entry: Scored) => boolean): number {
    return this.#inOrder.count(holds)
  }

  /** The entries from rank `from` up to, not including, `to`. */
  slice(from = 0, to = this.size): Scored[] {
    return this.#inOrder.slice(from, to)
  }

  keys(): IterableIterator<string> {
    return this.#byMember.keys()
  }
}

function byScoreThenMember(a: Scored, b: Scored): number {
  if (a.score !== b.score) return a.score < b.score ? -1 : 1
  if (a.member === b.member) return 0
  return a.member < b.member ? -1 : 1
}
