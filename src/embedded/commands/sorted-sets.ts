import { float, naturalNumber, pairwise } from '../arguments.ts'
import { type CommandTable, read, write } from '../command.ts'
import type { Database } from '../database.ts'
import { refuse, texts } from '../redis-error.ts'
import { double, formatDouble, pairs, type Reply } from '../reply.ts'
import type { Scored, SortedSet } from '../values/sorted-set.ts'
import { replyScan } from './scanning.ts'

/** Sorted sets: members with scores, one by one or from either end. */
export const sortedSetCommands = {
  zadd: write(-4, ({ db }, [key, ...words]) => add(db, key, words)),
  zincrby: write(4, ({ db }, [key, by, member]) => {
    const increment = float(by)
    const set = db.open(key, 'zset')
    const score = sum(set.score(member) ?? 0, increment)
    set.set(member, score)
    db.keep(key, set)
    return double(score)
  }),
  zrem: write(-3, ({ db }, [key, ...members]) => {
    const set = db.open(key, 'zset')
    const removed = members.filter((member) => set.delete(member)).length
    if (removed > 0) db.keep(key, set)
    return removed
  }),
  zscore: read(3, ({ db }, [key, member]) => doubleOrNull(db.open(key, 'zset').score(member))),
  zmscore: read(-3, ({ db }, [key, ...members]) => {
    const set = db.open(key, 'zset')
    return members.map((member) => doubleOrNull(set.score(member)))
  }),
  zcard: read(2, ({ db }, [key]) => db.open(key, 'zset').size),
  zrank: read(3, ({ db }, [key, member]) => db.open(key, 'zset').rank(member) ?? null),
  zrevrank: read(3, ({ db }, [key, member]) => {
    const set = db.open(key, 'zset')
    const rank = set.rank(member)
    return rank === undefined ? null : set.size - 1 - rank
  }),
  zpopmin: write(-2, ({ db }, [key, ...words]) => pop(db, key, 'lowest', words)),
  zpopmax: write(-2, ({ db }, [key, ...words]) => pop(db, key, 'highest', words)),
  zscan: read(-3, ({ db }, [key, cursor, ...words]) => {
    const set = db.read(key, 'zset')
    return replyScan(cursor, words, set, (member) => [member, formatDouble(set?.score(member) ?? 0)])
  }),
} satisfies CommandTable

/** Entries with their scores, as ZRANGE and ZPOPMIN answer them. */
export function withScores(entries: readonly Scored[]): Reply {
  return pairs(entries.map(({ member, score }) => [member, double(score)]))
}

function doubleOrNull(score: number | undefined): Reply {
  return score === undefined ? null : double(score)
}

function sum(score: number, increment: number): number {
  const result = score + increment
  return Number.isNaN(result) ? refuse('ERR resulting score is not a number (NaN)') : result
}

const addOptions = ['nx', 'xx', 'gt', 'lt', 'ch', 'incr'] as const
type AddOptions = Readonly<Record<(typeof addOptions)[number], boolean>>

function add(db: Database, key: string, words: readonly string[]): Reply {
  const { options, entries } = readAdditions(words)
  const set = db.open(key, 'zset')
  let added = 0
  let changed = 0
  let latest: number | undefined
  for (const { member, score } of entries) {
    const old = set.score(member)
    if (old === undefined ? options.xx : options.nx) continue
    const next = options.incr ? sum(old ?? 0, score) : score
    if (old !== undefined && ((options.gt && next <= old) || (options.lt && next >= old))) continue
    latest = next
    if (old === next) continue
    set.set(member, next)
    if (old === undefined) added += 1
    else changed += 1
  }
  if (added + changed > 0) db.keep(key, set)
  if (options.incr) return doubleOrNull(latest)
  return options.ch ? added + changed : added
}

function readAdditions(words: readonly string[]): { options: AddOptions; entries: Scored[] } {
  const first = words.findIndex((word) => !addOptions.some((option) => option === word.toLowerCase()))
  const given = words.slice(0, first === -1 ? words.length : first).map((word) => word.toLowerCase())
  const options = Object.fromEntries(addOptions.map((option) => [option, given.includes(option)])) as AddOptions
  const rest = words.slice(given.length)
  if (rest.length === 0 || rest.length % 2 !== 0) refuse(texts.syntax)
  checkAddOptions(options, rest.length / 2)
  return { options, entries: pairwise(rest).map(([score, member]) => ({ member, score: float(score) })) }
}

function checkAddOptions({ nx, xx, gt, lt, incr }: AddOptions, entryCount: number): void {
  if (nx && xx) refuse('ERR XX and NX options at the same time are not compatible')
  if ((gt && lt) || (nx && (gt || lt))) {
    refuse('ERR GT, LT, and/or NX options at the same time are not compatible')
  }
  if (incr && entryCount > 1) refuse('ERR INCR option supports a single increment-element pair')
}

function pop(db: Database, key: string, which: 'lowest' | 'highest', words: readonly string[]): Reply {
  const [count, ...more] = words
  if (more.length > 0) refuse(texts.syntax)
  const wanted = naturalNumber(count ?? '1')
  const set = db.open(key, 'zset')
  const entries = which === 'lowest' ? set.slice(0, wanted) : set.slice(Math.max(0, set.size - wanted)).reverse()
  removeEntries(db, key, set, entries)
  // Without a count RESP3 does not nest either: one member, one score.
  return count === undefined ? entries.flatMap(({ member, score }) => [member, double(score)]) : withScores(entries)
}

/** Returns how many it removed. */
export function removeEntries(db: Database, key: string, set: SortedSet, entries: readonly Scored[]): number {
  for (const { member } of entries) set.delete(member)
  if (entries.length > 0) db.keep(key, set)
  return entries.length
}
