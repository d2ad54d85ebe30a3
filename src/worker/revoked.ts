import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../clock.ts'
import { CeleryError, messageOf } from '../errors.ts'
import { isObject } from '../protocol/json.ts'

/** As Celery: so many are remembered, for so long. */
const limits = { count: 50_000, ageMs: 10_800_000 }

/** What a node tells another: id → seconds, and the id once more. */
type Neighbourly = Record<string, [seconds: number, id: string]>

/** Ids of tasks that shall not run. With a file they outlive the worker, also one that is killed. */
export class Revoked implements Iterable<string> {
  readonly #clock: Clock
  readonly #file: string | null
  /** Id → when it was revoked, in epoch milliseconds; oldest first. */
  readonly #times: Map<string, number>

  /**
   * @param file Celery's `--statedb`; null for none
   * @throws {CeleryError} IMPROPERLY_CONFIGURED when the file is something else
   */
  constructor(clock: Clock, file: string | null = null) {
    this.#clock = clock
    this.#file = file
    this.#times = new Map(file === null ? [] : read(file))
  }

  add(ids: readonly string[]): void {
    const now = this.#clock.now()
    this.#insert(ids.map((id) => [id, now]))
  }

  /**
   * Takes over what another worker knows.
   *
   * @param told id → seconds, bare or in a list. A Python worker's seconds count from the start of its machine, which
   * says nothing here: then the revocation is as if it came now.
   */
  merge(told: Readonly<Record<string, unknown>>): void {
    const now = this.#clock.now()
    const times = Object.entries(told).map(([id, entry]): [string, number] => {
      const time = Number(Array.isArray(entry) ? entry[0] : entry) * 1000
      return [id, Math.abs(now - time) < limits.ageMs ? Math.min(time, now) : now]
    })
    this.#insert(times.filter(([id]) => !this.has(id)))
  }

  /** The same for another worker to take over. */
  forNeighbours(): Neighbourly {
    // Python takes no integers here.
    const seconds = (time: number) => (Number.isInteger(time / 1000) ? time / 1000 + 1e-4 : time / 1000)
    const ids = [...this]
    return Object.fromEntries(ids.map((id) => [id, [seconds(this.#times.get(id) ?? 0), id]]))
  }

  #insert(times: readonly (readonly [id: string, time: number])[]): void {
    for (const [id, time] of times) {
      this.#times.delete(id)
      this.#times.set(id, time)
    }
    this.#forgetOld()
    if (this.#file !== null && times.length > 0) write(this.#file, this.#times)
  }

  has(id: string): boolean {
    const time = this.#times.get(id)
    return time !== undefined && this.#clock.now() - time < limits.ageMs
  }

  [Symbol.iterator](): Iterator<string> {
    return [...this.#times.keys()].filter((id) => this.has(id))[Symbol.iterator]()
  }

  #forgetOld(): void {
    for (const id of this.#times.keys()) {
      if (this.has(id) && this.#times.size <= limits.count) return
      this.#times.delete(id)
    }
  }
}

/** Stamps of tasks that shall not run: `tenant` → `acme`. */
export class RevokedStamps {
  readonly #revoked: Revoked

  constructor(clock: Clock) {
    this.#revoked = new Revoked(clock)
  }

  add(header: string, values: readonly unknown[]): void {
    this.#revoked.add(values.map((value) => keyOf(header, value)))
  }

  /** Whether one of a task's stamps is among them; a stamp may have several values. */
  matches(stamps: Readonly<Record<string, unknown>>): boolean {
    return Object.entries(stamps).some(([header, stamp]) => {
      const values = Array.isArray(stamp) ? stamp : [stamp]
      return values.some((value) => this.#revoked.has(keyOf(header, value)))
    })
  }
}

const keyOf = (header: string, value: unknown) => JSON.stringify([header, value])

function read(file: string): [id: string, time: number][] {
  try {
    const { revoked }: { revoked?: unknown } = JSON.parse(readFileSync(file, 'utf8'))
    if (isObject(revoked)) return Object.entries(revoked).map(([id, time]) => [id, Number(time)])
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return []
    if (!(cause instanceof SyntaxError)) throw unusable(file, messageOf(cause), cause)
  }
  throw unusable(file, 'it holds something else')
}

function write(file: string, times: ReadonlyMap<string, number>): void {
  const draft = `${file}.${process.pid}`
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(draft, JSON.stringify({ revoked: Object.fromEntries(times) }))
    renameSync(draft, file)
  } catch (cause) {
    throw unusable(file, messageOf(cause), cause)
  }
}

function unusable(file: string, why: string, cause?: unknown): CeleryError {
  const next = 'Name another file for --statedb (setting workerStateDb), or remove this one.'
  return new CeleryError('IMPROPERLY_CONFIGURED', `${file} cannot keep the worker's state: ${why}`, { cause, next })
}
