import { int64, integer, pairwise, readOptions } from '../arguments.ts'
import { type CommandTable, type Context, read, write } from '../command.ts'
import type { Database } from '../database.ts'
import { deadlineOptions, futureDeadlineOf, givenWay } from '../deadline.ts'
import { addDecimals } from '../decimal.ts'
import { refuse, texts, wrongArity } from '../redis-error.ts'
import { ok, type Reply } from '../reply.ts'
import { maxBulkBytes } from '../request.ts'

/** Strings of bytes, which may be 64-bit integers or decimals to count with. */
export const stringCommands = {
  get: read(2, ({ db }, [key]) => get(db, key)),
  set: write(-3, (context, [key, value, ...words]) => set(context, key, value, words)),
  setnx: write(3, ({ db }, [key, value]) => {
    if (db.has(key)) return 0
    db.put(key, value)
    return 1
  }),
  setex: write(4, ({ db }, [key, seconds, value]) => {
    db.put(key, value, futureDeadlineOf('ex', seconds, db.now(), 'setex'))
    return ok
  }),
  psetex: write(4, ({ db }, [key, milliseconds, value]) => {
    db.put(key, value, futureDeadlineOf('px', milliseconds, db.now(), 'psetex'))
    return ok
  }),
  getset: write(3, ({ db }, [key, value]) => {
    const old = get(db, key)
    db.put(key, value)
    return old
  }),
  getdel: write(2, ({ db }, [key]) => {
    const old = get(db, key)
    db.remove(key)
    return old
  }),
  getex: write(-2, ({ db }, [key, ...words]) => getAndExpire(db, key, words)),
  mget: read(-2, ({ db }, keys) =>
    keys.map((key) => {
      const value = db.get(key)
      return typeof value === 'string' ? value : null
    }),
  ),
  mset: write(-3, ({ db }, words) => {
    for (const [key, value] of keysAndValues(words, 'mset')) db.put(key, value)
    return ok
  }),
  msetnx: write(-3, ({ db }, words) => {
    const entries = keysAndValues(words, 'msetnx')
    if (entries.some(([key]) => db.has(key))) return 0
    for (const [key, value] of entries) db.put(key, value)
    return 1
  }),
  append: write(3, ({ db }, [key, more]) => keepText(db, key, db.open(key, 'string') + more)),
  strlen: read(2, ({ db }, [key]) => db.open(key, 'string').length),
  incr: write(2, ({ db }, [key]) => increment(db, key, 1n)),
  decr: write(2, ({ db }, [key]) => increment(db, key, -1n)),
  incrby: write(3, ({ db }, [key, by]) => increment(db, key, int64(by))),
  decrby: write(3, ({ db }, [key, by]) => {
    const decrement = int64(by)
    // The one 64-bit integer that has no opposite.
    if (decrement === -(2n ** 63n)) refuse('ERR decrement would overflow')
    return increment(db, key, -decrement)
  }),
  incrbyfloat: write(3, ({ db }, [key, by]) => {
    const sum = addDecimals(db.read(key, 'string') ?? '0', by)
    db.keep(key, sum)
    return sum
  }),
  getrange: read(4, ({ db }, [key, start, stop]) => substring(db, key, integer(start), integer(stop))),
  substr: read(4, ({ db }, [key, start, stop]) => substring(db, key, integer(start), integer(stop))),
  setrange: write(4, ({ db }, [key, offset, piece]) => overwrite(db, key, integer(offset), piece)),
} satisfies CommandTable

function get(db: Database, key: string): string | null {
  return db.read(key, 'string') ?? null
}

function set({ db }: Context, key: string, value: string, words: readonly string[]): Reply {
  const options = readOptions(words, { nx: 0, xx: 0, get: 0, keepttl: 0, ...deadlineOptions })
  const ways = givenWay(options)
  if ((options.nx && options.xx) || ways.length + (options.keepttl ? 1 : 0) > 1) refuse(texts.syntax)
  const [deadline] = ways.map(([way, amount]) => futureDeadlineOf(way, amount, db.now(), 'set'))
  const old = options.get ? get(db, key) : null
  const exists = db.has(key)
  const wanted = options.nx ? !exists : exists || !options.xx
  if (wanted && options.keepttl) db.keep(key, value)
  else if (wanted) db.put(key, value, deadline)
  return options.get ? old : wanted ? ok : null
}

function getAndExpire(db: Database, key: string, words: readonly string[]): Reply {
  const options = readOptions(words, { persist: 0, ...deadlineOptions })
  const ways = givenWay(options)
  if (ways.length + (options.persist ? 1 : 0) > 1) refuse(texts.syntax)
  const value = get(db, key)
  if (value === null) return null
  const [deadline] = ways.map(([way, amount]) => futureDeadlineOf(way, amount, db.now(), 'getex'))
  if (deadline !== undefined) db.expireAt(key, deadline)
  else if (options.persist) db.persist(key)
  return value
}

function keysAndValues(words: readonly string[], command: string): [string, string][] {
  return words.length % 2 === 0 ? pairwise(words) : refuse(wrongArity(command))
}

function keepText(db: Database, key: string, text: string): number {
  if (text.length > maxBulkBytes) refuse(texts.tooLong)
  db.keep(key, text)
  return text.length
}

function increment(db: Database, key: string, by: bigint): bigint {
  const sum = int64(db.read(key, 'string') ?? '0') + by
  if (BigInt.asIntN(64, sum) !== sum) refuse(texts.overflow)
  db.keep(key, String(sum))
  return sum
}

function substring(db: Database, key: string, start: number, stop: number): string {
  const text = db.open(key, 'string')
  if (start < 0 && stop < 0 && start > stop) return ''
  // Unlike a list's, a stop before the beginning means the first byte.
  const from = Math.max(0, start < 0 ? start + text.length : start)
  const last = Math.max(0, stop < 0 ? stop + text.length : stop)
  return text.slice(from, last + 1)
}

function overwrite(db: Database, key: string, offset: number, piece: string): number {
  if (offset < 0) refuse('ERR offset is out of range')
  const old = db.open(key, 'string')
  if (piece === '') return old.length
  if (offset + piece.length > maxBulkBytes) refuse(texts.tooLong)
  return keepText(db, key, old.slice(0, offset).padEnd(offset, '\0') + piece + old.slice(offset + piece.length))
}
