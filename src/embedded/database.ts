import type { Clock } from '../clock.ts'
import { Waiters } from './blocking.ts'
import { refuse, texts } from './redis-error.ts'
import { Deque } from './values/deque.ts'
import { createEmpty, isEmpty, type Kind, kindOf, type Value, type Values } from './values/value.ts'

/** Someone who wants to know whether any of several keys was touched. */
export interface Watcher {
  touched: boolean
}

/** Someone who keeps what it has read, until it changes. */
export interface Reader {
  onChange(key: string): void
}

/**
 * One numbered database: keys, their values and deadlines, who watches and who waits for them.
 *
 * Commands read a value with `read`, change it in place and hand it back with `keep`; `put` and `remove` replace it.
 *
 * @example
 * const list = db.open('queue', 'list')
 * list.push('left', 'first')
 * db.keep('queue', list)
 */
export class Database {
  /** Who reads just now and wants to know, once, when what it reads changes. */
  reader: Reader | undefined
  readonly #readers = new Map<string, Set<Reader>>()
  readonly waiters = new Waiters()
  /** Keys that ran out, so far. */
  expiredCount = 0
  readonly #clock: Clock
  #values = new Map<string, Value>()
  /** Epoch milliseconds. */
  #deadlines = new Map<string, number>()
  #sweep: Iterator<string> = [].values()
  readonly #watchers = new Map<string, Set<Watcher>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  /** Keys, including those that ran out and were not noticed yet. */
  get size(): number {
    return this.#values.size
  }

  get deadlineCount(): number {
    return this.#deadlines.size
  }

  *keys(): Generator<string> {
    for (const key of this.#values.keys()) if (!this.#isDue(key)) yield key
  }

  get(key: string): Value | undefined {
    this.#expire(key)
    if (this.reader) this.#remember(key, this.reader)
    return this.#values.get(key)
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  /**
   * The value, of the kind a command works on.
   *
   * @throws {RedisError} WRONGTYPE when the key holds another kind.
   */
  read<K extends Kind>(key: string, kind: K): Values[K] | undefined {
    const value = this.get(key)
    if (value !== undefined && kindOf(value) !== kind) refuse(texts.wrongType)
    return value as Values[K] | undefined
  }

  /** The same, or a new empty one, which is nobody's until `keep`. */
  open<K extends Kind>(key: string, kind: K): Values[K] {
    return this.read(key, kind) ?? createEmpty(kind)
  }

  /** Stores a value that was changed, its deadline untouched; an empty collection goes, and its key with it. */
  keep(key: string, value: Value): void {
    if (isEmpty(value)) {
      this.remove(key)
      return
    }
    this.#values.set(key, value)
    this.#touch(key, value)
  }

  /** Stores a value in place of whatever was there, its deadline included. */
  put(key: string, value: Value, deadline?: number): void {
    this.#deadlines.delete(key)
    if (deadline !== undefined) this.#deadlines.set(key, deadline)
    this.keep(key, value)
  }

  remove(key: string): boolean {
    this.#deadlines.delete(key)
    if (!this.#values.delete(key)) return false
    this.#touch(key)
    return true
  }

  /** When the key runs out, in epoch milliseconds; undefined when it stays. */
  deadline(key: string): number | undefined {
    return this.#deadlines.get(key)
  }

  /** Lets an existing key run out at `deadline`: at once when that is past. */
  expireAt(key: string, deadline: number): void {
    this.#deadlines.set(key, deadline)
    if (!this.#expire(key)) this.#touch(key)
  }

  /** Whether there was a deadline to take off. */
  persist(key: string): boolean {
    if (!this.#deadlines.delete(key)) return false
    this.#touch(key)
    return true
  }

  clear(): void {
    const keys = [...this.#values.keys()]
    this.#values.clear()
    this.#deadlines.clear()
    for (const key of keys) this.#touch(key)
  }

  /** Exchanges the contents; who watches and who waits stays with the number of the database. */
  swap(other: Database): void {
    const [values, deadlines] = [this.#values, this.#deadlines]
    this.#values = other.#values
    this.#deadlines = other.#deadlines
    other.#values = values
    other.#deadlines = deadlines
    for (const database of [this, other]) {
      database.#sweep = [].values()
      const keys = new Set([...this.#values.keys(), ...other.#values.keys()])
      for (const key of keys) database.#touch(key, database.#values.get(key))
    }
  }

  watch(key: string, watcher: Watcher): void {
    this.#expire(key)
    const watchers = this.#watchers.get(key)
    if (watchers) watchers.add(watcher)
    else this.#watchers.set(key, new Set([watcher]))
  }

  unwatch(key: string, watcher: Watcher): void {
    // A key that ran out meanwhile has changed, though nobody came by to notice.
    this.#expire(key)
    const watchers = this.#watchers.get(key)
    watchers?.delete(watcher)
    if (watchers?.size === 0) this.#watchers.delete(key)
  }

  serveWaiters(): void {
    this.waiters.serve((key) => this.get(key) instanceof Deque)
  }

  /** Looks at the next `count` deadlines, taking turns, and removes what ran out; returns how many did. */
  sweep(count: number): number {
    const before = this.expiredCount
    for (let looked = 0; looked < count; looked++) {
      const next = this.#sweep.next()
      if (next.done) {
        // A live iterator: it sees what is added on the way and skips what is removed.
        this.#sweep = this.#deadlines.keys()
        break
      }
      this.#expire(next.value)
    }
    return this.expiredCount - before
  }

  #isDue(key: string): boolean {
    const deadline = this.#deadlines.get(key)
    return deadline !== undefined && deadline <= this.#clock.now()
  }

  #expire(key: string): boolean {
    if (!this.#isDue(key)) return false
    this.expiredCount += 1
    return this.remove(key)
  }

  #remember(key: string, reader: Reader): void {
    const readers = this.#readers.get(key)
    if (readers) readers.add(reader)
    else this.#readers.set(key, new Set([reader]))
  }

  #touch(key: string, value?: Value): void {
    const readers = this.#readers.get(key) ?? []
    this.#readers.delete(key)
    for (const reader of readers) reader.onChange(key)
    for (const watcher of this.#watchers.get(key) ?? []) watcher.touched = true
    if (value instanceof Deque) this.waiters.markReady(key)
  }
}
