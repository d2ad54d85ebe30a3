import { float, indexRange, integer, type Options, readOptions } from '../arguments.ts'
import { type Command, type CommandTable, read, write } from '../command.ts'
import type { Database } from '../database.ts'
import { refuse, texts } from '../redis-error.ts'
import type { Reply } from '../reply.ts'
import { type Scored, SortedSet } from '../values/sorted-set.ts'
import { removeEntries, withScores } from './sorted-sets.ts'

/** Sorted sets by range: of ranks, of scores, or (where all scores are equal) of names. */
export const sortedSetRangeCommands = {
  zrange: read(-4, ({ db }, [key, start, stop, ...words]) => {
    const options = readOptions(words, { ...orderOptions, withscores: 0 })
    return range(db, key, { ...options, by: orderOf(options), reverse: options.rev, start, stop })
  }),
  zrangestore: write(-5, ({ db }, [destination, source, start, stop, ...words]) => {
    const options = readOptions(words, orderOptions)
    return store(
      db,
      destination,
      select(db, source, { ...options, by: orderOf(options), reverse: options.rev, start, stop }),
    )
  }),
  zrevrange: rangeBy('rank', { reverse: true }),
  zrangebyscore: rangeBy('score'),
  zrevrangebyscore: rangeBy('score', { reverse: true }),
  zrangebylex: rangeBy('lex'),
  zrevrangebylex: rangeBy('lex', { reverse: true }),
  zcount: read(4, ({ db }, [key, min, max]) => count(db, key, scoreBounds(min, max))),
  zlexcount: read(4, ({ db }, [key, min, max]) => count(db, key, lexBounds(min, max))),
  zremrangebyscore: write(4, ({ db }, [key, min, max]) => removeWithin(db, key, scoreBounds(min, max))),
  zremrangebylex: write(4, ({ db }, [key, min, max]) => removeWithin(db, key, lexBounds(min, max))),
  zremrangebyrank: write(4, ({ db }, [key, start, stop]) => {
    const [first, last] = [integer(start), integer(stop)]
    const set = db.open(key, 'zset')
    const { from, to } = indexRange(first, last, set.size)
    return removeEntries(db, key, set, set.slice(from, to))
  }),
} satisfies CommandTable

/** What every form of ZRANGE asks for; in reverse, `start` is the upper bound. */
interface Query {
  readonly by: 'rank' | 'score' | 'lex'
  readonly reverse?: boolean | undefined
  readonly start: string
  readonly stop: string
  /** How many to skip, how many to take. */
  readonly limit?: readonly [string, string] | undefined
  readonly withscores?: boolean | undefined
}

const orderOptions = { byscore: 0, bylex: 0, rev: 0, limit: 2 } as const

function orderOf({ byscore, bylex }: Options<typeof orderOptions>): Query['by'] {
  if (byscore && bylex) refuse(texts.syntax)
  return byscore ? 'score' : bylex ? 'lex' : 'rank'
}

/** A command that is one fixed form of ZRANGE. */
function rangeBy(by: Query['by'], { reverse = false } = {}): Command {
  return read(-4, ({ db }, [key, start, stop, ...words]) => {
    return range(db, key, { ...readOptions(words, { limit: 2, withscores: 0 }), by, reverse, start, stop })
  })
}

/** Two tests that hold for the lowest entries and for no higher one: below the range, and up to its end. */
interface Bounds {
  readonly isBelow: (entry: Scored) => boolean
  readonly isWithinOrBelow: (entry: Scored) => boolean
}

function range(db: Database, key: string, query: Query): Reply {
  const entries = select(db, key, query)
  return query.withscores ? withScores(entries) : entries.map(({ member }) => member)
}

function select(db: Database, key: string, query: Query): Scored[] {
  const [offset, most] = query.limit?.map((word) => integer(word)) ?? []
  if (query.limit && query.by === 'rank') {
    refuse('ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX')
  }
  if (query.withscores && query.by === 'lex') {
    refuse('ERR syntax error, WITHSCORES not supported in combination with BYLEX')
  }
  const ranksIn = rankFinder(query)
  const set = db.open(key, 'zset')
  const { from, to } = limited(ranksIn(set), query.reverse, offset, most)
  const entries = set.slice(from, to)
  return query.reverse ? entries.reverse() : entries
}

interface Ranks {
  readonly from: number
  readonly to: number
}

/** Reads start and stop at once, so that a wrong one is refused before the key is looked at. */
function rankFinder({ by, reverse, start, stop }: Query): (set: SortedSet) => Ranks {
  if (by === 'rank') {
    const [first, last] = [integer(start), integer(stop)]
    return ({ size }) => {
      const { from, to } = indexRange(first, last, size)
      return reverse ? { from: size - to, to: size - from } : { from, to }
    }
  }
  const [min, max] = reverse ? [stop, start] : [start, stop]
  const bounds = by === 'score' ? scoreBounds(min, max) : lexBounds(min, max)
  return (set) => ranksWithin(set, bounds)
}

function limited({ from, to }: Ranks, reverse = false, offset = 0, most = -1): Ranks {
  if (offset < 0) return { from, to: from }
  const size = most < 0 ? Infinity : most
  if (!reverse) return { from: from + offset, to: Math.min(to, from + offset + size) }
  return { from: Math.max(from, to - offset - size), to: to - offset }
}

function ranksWithin(set: SortedSet, { isBelow, isWithinOrBelow }: Bounds): Ranks {
  const from = set.count(isBelow)
  return { from, to: Math.max(from, set.count(isWithinOrBelow)) }
}

function count(db: Database, key: string, bounds: Bounds): number {
  const { from, to } = ranksWithin(db.open(key, 'zset'), bounds)
  return to - from
}

function removeWithin(db: Database, key: string, bounds: Bounds): number {
  const set = db.open(key, 'zset')
  const { from, to } = ranksWithin(set, bounds)
  return removeEntries(db, key, set, set.slice(from, to))
}

function store(db: Database, key: string, entries: readonly Scored[]): number {
  if (entries.length === 0) db.remove(key)
  else db.put(key, SortedSet.from(entries))
  return entries.length
}

/** `1`, `(1` (excluded), `-inf`, `+inf`. */
function scoreBounds(min: string, max: string): Bounds {
  const [low, high] = [scoreBound(min), scoreBound(max)]
  return {
    isBelow: ({ score }) => (low.excluded ? score <= low.score : score < low.score),
    isWithinOrBelow: ({ score }) => (high.excluded ? score < high.score : score <= high.score),
  }
}

function scoreBound(word: string): { score: number; excluded: boolean } {
  const excluded = word.startsWith('(')
  return { score: float(excluded ? word.slice(1) : word, 'ERR min or max is not a float'), excluded }
}

/** `[a`, `(a` (excluded), `-` and `+` (before and after everything). */
function lexBounds(min: string, max: string): Bounds {
  return { isBelow: lexTest(min, '('), isWithinOrBelow: lexTest(max, '[') }
}

/** Members before the bound; equal ones too when the bound starts with `including`. */
function lexTest(bound: string, including: '(' | '['): (entry: Scored) => boolean {
  if (bound === '-') return () => false
  if (bound === '+') return () => true
  if (!/^[[(]/.test(bound)) refuse('ERR min or max not valid string range item')
  const limit = bound.slice(1)
  return bound.startsWith(including) ? ({ member }) => member <= limit : ({ member }) => member < limit
}
