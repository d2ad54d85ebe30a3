import { indexRange, integer, naturalNumber, readOptions } from '../arguments.ts'
import { type CommandTable, read, write } from '../command.ts'
import type { Database } from '../database.ts'
import { refuse, texts, wrongArity } from '../redis-error.ts'
import { nullArray, ok, type Reply } from '../reply.ts'
import { Deque, type End } from '../values/deque.ts'
import { moveItem, parseEnd, popItems, readPopMany } from './list-ends.ts'

/** Lists, as far as nobody has to wait for an item. */
export const listCommands = {
  lpush: write(-3, ({ db }, [key, ...items]) => push(db, key, 'left', items)),
  rpush: write(-3, ({ db }, [key, ...items]) => push(db, key, 'right', items)),
  lpushx: write(-3, ({ db }, [key, ...items]) => (db.read(key, 'list') ? push(db, key, 'left', items) : 0)),
  rpushx: write(-3, ({ db }, [key, ...items]) => (db.read(key, 'list') ? push(db, key, 'right', items) : 0)),
  lpop: write(-2, ({ db }, [key, ...words]) => pop(db, 'lpop', key, 'left', words)),
  rpop: write(-2, ({ db }, [key, ...words]) => pop(db, 'rpop', key, 'right', words)),
  llen: read(2, ({ db }, [key]) => db.open(key, 'list').size),
  lrange: read(4, ({ db }, [key, start, stop]) => range(db, key, integer(start), integer(stop))),
  lindex: read(3, ({ db }, [key, index]) => {
    const list = db.read(key, 'list')
    return list?.at(fromLeft(list, integer(index))) ?? null
  }),
  lset: write(4, ({ db }, [key, index, item]) => {
    const list = db.read(key, 'list') ?? refuse(texts.noSuchKey)
    const at = fromLeft(list, integer(index))
    if (list.at(at) === undefined) refuse(texts.indexOutOfRange)
    list.set(at, item)
    db.keep(key, list)
    return ok
  }),
  linsert: write(5, ({ db }, [key, where, pivot, item]) => insert(db, key, where, pivot, item)),
  lrem: write(4, ({ db }, [key, count, item]) => remove(db, key, integer(count), item)),
  ltrim: write(4, ({ db }, [key, start, stop]) => trim(db, key, integer(start), integer(stop))),
  lpos: read(-3, ({ db }, [key, item, ...words]) => positions(db, key, item, words)),
  rpoplpush: write(3, ({ db }, [source, destination]) => moveItem(db, source, destination, 'right', 'left') ?? null),
  lmove: write(
    5,
    ({ db }, [source, destination, from, to]) =>
      moveItem(db, source, destination, parseEnd(from), parseEnd(to)) ?? null,
  ),
  lmpop: write(-4, ({ db }, [size, ...words]) => {
    const { keys, end, count } = readPopMany(size, words)
    for (const key of keys) {
      const items = popItems(db, key, end, count)
      if (items) return [key, items]
    }
    return nullArray
  }),
} satisfies CommandTable

function push(db: Database, key: string, end: End, items: readonly string[]): number {
  const list = db.open(key, 'list')
  for (const item of items) list.push(end, item)
  db.keep(key, list)
  return list.size
}

function pop(db: Database, name: string, key: string, end: End, words: readonly string[]): Reply {
  const [count, ...more] = words
  if (more.length > 0) refuse(wrongArity(name))
  if (count === undefined) return popItems(db, key, end, 1)?.[0] ?? null
  const wanted = naturalNumber(count, texts.notPositive)
  if (wanted === 0) return db.read(key, 'list') ? [] : nullArray
  return popItems(db, key, end, wanted) ?? nullArray
}

/** The index from the left that a negative one means. */
function fromLeft(list: Deque, index: number): number {
  return index < 0 ? index + list.size : index
}

function range(db: Database, key: string, start: number, stop: number): string[] {
  const list = db.open(key, 'list')
  const { from, to } = indexRange(start, stop, list.size)
  return list.slice(from, to)
}

function trim(db: Database, key: string, start: number, stop: number): Reply {
  const list = db.read(key, 'list')
  if (!list) return ok
  const { from, to } = indexRange(start, stop, list.size)
  for (let right = list.size - to; right > 0; right--) list.pop('right')
  for (let left = from; left > 0; left--) list.pop('left')
  db.keep(key, list)
  return ok
}

function insert(db: Database, key: string, where: string, pivot: string, item: string): number {
  const side = ['before', 'after'].indexOf(where.toLowerCase())
  if (side === -1) refuse(texts.syntax)
  const items = db.read(key, 'list')?.slice()
  if (!items) return 0
  const at = items.indexOf(pivot)
  if (at === -1) return -1
  items.splice(at + side, 0, item)
  db.keep(key, Deque.from(items))
  return items.length
}

/** Removes the first `count` equal items; negative counts from the right, 0 means all. */
function remove(db: Database, key: string, count: number, item: string): number {
  const list = db.read(key, 'list')
  if (!list) return 0
  const items = list.slice()
  const limit = count === 0 ? items.length : Math.abs(count)
  const doomed = new Set(matchingIndexes(items, item, { backwards: count < 0, limit }))
  if (doomed.size > 0) db.keep(key, Deque.from(items.filter((_, index) => !doomed.has(index))))
  return doomed.size
}

function matchingIndexes(
  items: readonly string[],
  item: string,
  { backwards, limit, longest = items.length }: { backwards: boolean; limit: number; longest?: number },
): number[] {
  const found: number[] = []
  for (let step = 0; step < Math.min(longest, items.length) && found.length < limit; step++) {
    const index = backwards ? items.length - 1 - step : step
    if (items[index] === item) found.push(index)
  }
  return found
}

function positions(db: Database, key: string, item: string, words: readonly string[]): Reply {
  const options = readOptions(words, { rank: 1, count: 1, maxlen: 1 })
  const rank = integer(options.rank ?? '1')
  if (rank === 0) {
    refuse(
      "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
        'or use negative to start from the end of the list',
    )
  }
  const count = naturalNumber(options.count ?? '1', "ERR COUNT can't be negative")
  const longest = naturalNumber(options.maxlen ?? '0', "ERR MAXLEN can't be negative") || Infinity
  const skipped = Math.abs(rank) - 1
  const limit = skipped + (count || Infinity)
  const items = db.read(key, 'list')?.slice() ?? []
  const found = matchingIndexes(items, item, { backwards: rank < 0, limit, longest }).slice(skipped)
  return options.count === undefined ? (found[0] ?? null) : found
}
