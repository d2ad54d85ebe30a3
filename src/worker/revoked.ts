import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../clock.ts'
import { CeleryError, messageOf } from '../errors.ts'
import { isObject } from '../protocol/json.ts'

/** As Celery: so many are remembered, for so long. */
const limits = { count: 50_000, ageMs: 10_800_000 }

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
    for (const id of ids) {
      this.#times.delete(id)
      this.#times.set(id, this.#clock.now())
    }
    this.#forgetOld()
    if (this.#file !== null) write(this.#file, this.#times)
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
