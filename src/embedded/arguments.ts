import { refuse, texts } from './redis-error.ts'

/**
 * A 64-bit integer, written as Redis writes it: no sign but a minus, no leading zeros, no blanks.
 *
 * @throws {RedisError} with `refusal`.
 */
export function int64(word: string, refusal: string = texts.notInteger): bigint {
  if (!/^(?:0|-?[1-9]\d{0,18})$/.test(word)) refuse(refusal)
  const value = BigInt(word)
  return BigInt.asIntN(64, value) === value ? value : refuse(refusal)
}

/** The same where the exact value beyond 2^53 does not matter: an index, a count. */
export function integer(word: string, refusal: string = texts.notInteger): number {
  return Number(int64(word, refusal))
}

/** An integer that is not negative. */
export function naturalNumber(word: string, refusal: string = texts.notPositive): number {
  const value = integer(word, refusal)
  return value >= 0 ? value : refuse(refusal)
}

/** An integer above zero. */
export function positiveInteger(word: string, refusal: string): number {
  const value = integer(word, refusal)
  return value > 0 ? value : refuse(refusal)
}

/** @throws {RedisError} with `refusal`, also for NaN and for what a double cannot hold. */
export function float(word: string, refusal: string = texts.notFloat): number {
  if (/^[+-]?inf(?:inity)?$/i.test(word)) return word.startsWith('-') ? -Infinity : Infinity
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(word)) refuse(refusal)
  const value = Number(word)
  return Number.isFinite(value) ? value : refuse(refusal)
}

/** How many words an option takes after its name. */
type OptionTable = Readonly<Record<string, 0 | 1 | 2>>

/** The options that were given; a missing one is undefined. */
export type Options<Table extends OptionTable> = {
  readonly [Name in keyof Table]?: Table[Name] extends 0
    ? true
    : Table[Name] extends 1
      ? string
      : readonly [string, string]
}

/**
 * Reads a command's trailing options by a table of what each takes: `{ nx: 0, ex: 1, limit: 2 }`. A repeated option
 * counts once, the last.
 *
 * @throws {RedisError} for a word that is no option, and for an option short of words.
 */
export function readOptions<const Table extends OptionTable>(
  words: readonly string[],
  table: Table,
  refusal: (word: string) => string = () => texts.syntax,
): Options<Table> {
  const found: Record<string, unknown> = {}
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const name = word.toLowerCase()
    const takes = Object.hasOwn(table, name) ? table[name] : undefined
    if (takes === undefined || at + takes >= words.length) refuse(refusal(word))
    const taken = words.slice(at + 1, at + 1 + takes)
    found[name] = takes === 0 ? true : takes === 1 ? taken[0] : taken
    at += takes
  }
  return found as Options<Table>
}

/** A list of keys that tells its own length first, and the words after it: `2 k1 k2 …`. */
export function countedKeys(
  count: string,
  words: readonly string[],
  refusal: string,
): { keys: readonly string[]; rest: readonly string[] } {
  const size = positiveInteger(count, refusal)
  if (size > words.length) refuse(texts.syntax)
  return { keys: words.slice(0, size), rest: words.slice(size) }
}

/** Words two by two: field and value, key and value. */
export function pairwise(words: readonly string[]): [string, string][] {
  const list: [string, string][] = []
  for (let at = 0; at + 1 < words.length; at += 2) list.push([words[at] ?? '', words[at + 1] ?? ''])
  return list
}

/** What `start` and `stop` mean for `size` items: both included, negative ones counted from the end. */
export function indexRange(start: number, stop: number, size: number): { from: number; to: number } {
  const from = Math.max(0, start < 0 ? start + size : start)
  const to = Math.min(size, (stop < 0 ? stop + size : stop) + 1)
  return from < to ? { from, to } : { from: 0, to: 0 }
}
