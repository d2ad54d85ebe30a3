import fc from 'fast-check'
import type { WireReply } from './wire-client.ts'

/**
 * The commands, as patterns: capitals stand for themselves, small letters for a random word of that kind, `a|b` for
 * either, `[…]` for perhaps, `…*` for one to three times.
 */
const families = {
  strings: `
    GET text / SET text value / SET text value [NX|XX] [GET] [KEEPTTL] / SET text value [GET] EX|EXAT|PXAT|PX moment
    SETNX text value / SETEX text moment value / PSETEX text moment value / GETSET text value / GETDEL text
    GETEX text [PERSIST] [EX|PX|EXAT|PXAT moment] / MGET text* / MSET text value [text value] / MSETNX text value
    APPEND text value / STRLEN text / INCR text / DECR text / INCRBY text integer / DECRBY text integer
    GETRANGE text integer integer / SUBSTR text integer integer / SETRANGE text small value
    SET number decimal / INCRBYFLOAT number decimal / GET number`,
  lists: `
    LPUSH list item* / RPUSH list item* / LPUSHX list item* / RPUSHX list item* / LPOP list [small] / RPOP list [small]
    LLEN list / LRANGE list integer integer / LINDEX list integer / LSET list integer item / LREM list integer item
    LTRIM list integer integer / LINSERT list BEFORE|AFTER|UNDER item item / RPOPLPUSH list list
    LPOS list item [RANK rank] [COUNT small] [MAXLEN small] / LMOVE list list LEFT|RIGHT|UP LEFT|RIGHT
    LMPOP small list [list] LEFT|RIGHT / LMPOP 1 list LEFT|RIGHT [COUNT positive]`,
  hashes: `
    HSET hash field value [field value] / HSETNX hash field value / HMSET hash field value [field value]
    HGET hash field / HMGET hash field* / HGETALL hash / HDEL hash field* / HLEN hash / HEXISTS hash field
    HKEYS hash / HVALS hash / HINCRBY hash field integer / HSTRLEN hash field / HSCAN hash 0 [MATCH glob] [COUNT 100]
    HSET hash fraction decimal / HINCRBYFLOAT hash fraction decimal`,
  sets: `
    SADD set item* / SREM set item* / SMEMBERS set / SISMEMBER set item / SMISMEMBER set item* / SCARD set
    SPOP set 100 / SRANDMEMBER set 100 / SMOVE set set item / SINTER set* / SUNION set* / SDIFF set*
    SINTERSTORE set set* / SUNIONSTORE set set* / SDIFFSTORE set set* / SSCAN set 0 [MATCH glob] [COUNT 100]`,
  'sorted sets': `
    ZADD zset score item [score item] / ZADD zset [NX|XX] [GT|LT] [CH] score item [score item]
    ZADD zset [NX|XX] [GT|LT] INCR score item / ZREM zset item* / ZSCORE zset item / ZMSCORE zset item* / ZCARD zset
    ZINCRBY zset score item / ZCOUNT zset bound bound / ZRANGE zset integer integer [REV] [WITHSCORES]
    ZRANGE zset bound bound BYSCORE [REV] [LIMIT integer integer] [WITHSCORES] / ZRANGE zset integer integer LIMIT 0 1
    ZREVRANGE zset integer integer [WITHSCORES] / ZRANGEBYSCORE zset bound bound [WITHSCORES] [LIMIT integer integer]
    ZREVRANGEBYSCORE zset bound bound [WITHSCORES] [LIMIT integer integer] / ZRANGESTORE zset zset integer integer [REV]
    ZRANGESTORE zset zset bound bound BYSCORE [REV] [LIMIT integer integer] / ZREMRANGEBYSCORE zset bound bound
    ZREMRANGEBYRANK zset integer integer / ZRANK zset item / ZREVRANK zset item / ZPOPMIN zset [small]
    ZPOPMAX zset [small] / ZSCAN zset 0 [MATCH glob] [COUNT 100]`,
  // Ranges by name mean nothing unless all scores are equal.
  'sorted sets by name': `
    ZADD names 0 item 0 item / ZADD names 0 item / ZLEXCOUNT names edge edge / ZREMRANGEBYLEX names edge edge
    ZRANGE names edge edge BYLEX [REV] [LIMIT integer integer] [WITHSCORES] / ZRANGEBYLEX names edge edge [LIMIT integer integer]
    ZREVRANGEBYLEX names edge edge [LIMIT integer integer]`,
  keys: `
    DEL key* / UNLINK key* / EXISTS key* / TOUCH key* / TYPE key / KEYS glob / DBSIZE / COPY key key [DB database] [REPLACE]
    SCAN 0 [MATCH glob] COUNT 1000 [TYPE list|hash|nothing] / RENAME key key / RENAMENX key key / MOVE key database
    EXPIRE key moment [NX|XX|GT|LT] [GT|LT] / PEXPIRE key moment [NX|XX|GT|LT] / EXPIREAT key moment [NX|XX|GT|LT]
    PEXPIREAT key moment [NX|XX|GT|LT] / TTL key / PTTL key / EXPIRETIME key / PEXPIRETIME key / PERSIST key
    SELECT database / SWAPDB database database / FLUSHDB [ASYNC|SYNC|LATER] / OBJECT ENCODING missing`,
  transactions: `MULTI / EXEC / DISCARD / WATCH key* / UNWATCH`,
  'the rest': `
    PING [value] / ECHO value / SCRIPT EXISTS sha* / EVALSHA sha small [key] / NOSUCH item / CLIENT NOSUCH / OBJECT
    BLPOP list list never / BRPOPLPUSH list list never / BLMOVE list list LEFT|RIGHT LEFT|RIGHT never
    BLMPOP never small list LEFT [COUNT small] / CLIENT SETNAME item / CLIENT GETNAME / CONFIG GET save|nosuch
    CONFIG SET nosuch value / HELLO item / WAIT 0 small / AUTH value / AUTH value value / AUTH value value value
    PUBLISH channel value / PUBSUB CHANNELS [glob] / PUBSUB NUMSUB [channel] / PUBSUB NUMPAT`,
}

export const ownKeys = {
  text: ['t1', 't2'],
  list: ['l1', 'l2'],
  hash: ['h1', 'h2'],
  set: ['s1', 's2'],
  zset: ['z1', 'z2'],
}
const allKeys = Object.values(ownKeys).flat()

/** What the small-letter words stand for: what makes sense, and what should be refused. */
const words: Readonly<Record<string, { good: readonly string[]; bad?: readonly string[] }>> = {
  ...Object.fromEntries(Object.entries(ownKeys).map(([kind, own]) => [kind, { good: own, bad: allKeys }])),
  key: { good: allKeys },
  names: { good: ['n1', 'n2'] },
  number: { good: ['d1'] },
  missing: { good: ['m1'] },
  value: { good: ['', 'x', 'hello', '7', '-12', '3.5', '9223372036854775807', '\x00\r\n\xff', ' 1', '007', 'a b'] },
  item: { good: ['a', 'b', 'c', 'd', 'ab', '', '\xff', '10'] },
  field: { good: ['f', 'g', 'h'] },
  fraction: { good: ['r', 's'] },
  integer: {
    good: ['0', '1', '2', '3', '-1', '-2', '-3', '100', '-100'],
    bad: ['x', '1.0', '', '9223372036854775808'],
  },
  small: { good: ['0', '1', '2', '3'], bad: ['-1', 'x'] },
  positive: { good: ['1', '2'], bad: ['0', '-1', 'x'] },
  rank: { good: ['1', '2', '-1', '-2'], bad: ['0', 'x'] },
  // Binary fractions, here and below: every version of Redis computes and prints them alike.
  decimal: { good: ['0.5', '0.25', '1', '-1.25', '3.0e2', '5e-1'], bad: ['x', '', 'inf'] },
  score: { good: ['0', '1', '2', '-1', '0.5', '-2.25', '1e3', 'inf', '-inf', '+inf'], bad: ['nan', 'x'] },
  bound: { good: ['-inf', '+inf', '0', '1', '(1', '(0.5', '2', '-1'], bad: ['(x', 'x'] },
  edge: { good: ['-', '+', '[a', '(a', '[b', '(c', '['], bad: ['x', ''] },
  // Long past or far ahead, so that nothing runs out while the test runs.
  moment: { good: ['100000', '4102444800', '4102444800000'], bad: ['0', '-1', '9223372036854775807', 'x'] },
  never: { good: ['x', '-1', ''] },
  database: { good: ['0', '0', '1'], bad: ['16', '-1', 'x'] },
  glob: { good: ['*', 't*', '?1', '[a-l]1', '[^lt]*', '*1*', '[z-a]2', '\\t1', 't[', 'h[12', 'f', '[]', '*[1]', '\\'] },
  channel: { good: ['one', 'two'] },
  topics: { good: ['[a-p]?*'] },
  sha: { good: ['c3f8721cbb97f72bc19e972846bd7aaf91901658', '0'.repeat(40)] },
}

function word(pattern: string, sane: boolean): fc.Arbitrary<string> {
  const { good, bad = [] } = words[pattern] ?? { good: pattern.split('|') }
  return fc.constantFrom(...good, ...(sane ? [] : bad))
}

function wordsOf(token: string, sane: boolean): fc.Arbitrary<string[]> {
  if (token.startsWith('[')) return fc.oneof(fc.constant<string[]>([]), sequenceOf(token.slice(1, -1), sane))
  if (!token.endsWith('*')) return word(token, sane).map((one) => [one])
  return fc.array(word(token.slice(0, -1), sane), { minLength: 1, maxLength: 3 })
}

function sequenceOf(pattern: string, sane: boolean): fc.Arbitrary<string[]> {
  const tokens = pattern.match(/\[[^\]]*\]|\S+/g) ?? []
  return fc.tuple(...tokens.map((token) => wordsOf(token, sane))).map((groups) => groups.flat())
}

/** Mostly sane, now and then with words that should be refused, or one too few or too many. */
function commandOf(pattern: string): fc.Arbitrary<string[]> {
  const sane = sequenceOf(pattern, true)
  const shapes = [
    { arbitrary: sane, weight: 30 },
    { arbitrary: sequenceOf(pattern, false), weight: 4 },
    { arbitrary: sane.map((all) => all.slice(0, Math.max(1, all.length - 1))), weight: 1 },
    { arbitrary: sane.map((all) => [...all, 'more']), weight: 1 },
  ]
  // Cut short, these would answer something random, or wait.
  return /^(SPOP|SRANDMEMBER|HELLO|EXEC|OBJECT)/.test(pattern) ? sane : fc.oneof(...shapes)
}

function patternsOf(text: string): string[] {
  const patterns = text.split(/ \/ |\n/).map((pattern) => pattern.trim())
  return patterns.filter((pattern) => pattern !== '')
}

const commands = Object.values(families).map((text) => fc.oneof(...patternsOf(text).map(commandOf)))

/** Sequences are half as long on average. */
export const longestSequence = 120

/** Commands of one family, which build on each other, or of all, which get in each other's way. */
export const sequences = fc.oneof(
  ...[...commands, fc.oneof(...commands)].map((command) =>
    fc.array(command, { maxLength: longestSequence, size: 'max' }),
  ),
)

const unordered = new Set(
  'smembers sinter sunion sdiff spop srandmember hgetall hkeys hvals keys scan hscan sscan zscan exec'.split(' '),
)

/** What of a reply is worth comparing: the order of sets and hashes is nobody's business, nor is the exact time. */
export function comparable([name = '']: readonly string[], reply: WireReply): unknown {
  if (/^p?(ttl|expiretime)$/i.test(name) && typeof reply === 'number' && reply > 0) return Math.round(reply / 100_000)
  return unordered.has(name.toLowerCase()) ? sorted(reply) : reply
}

function sorted(reply: WireReply): unknown {
  if (Array.isArray(reply)) return reply.map((item) => show(sorted(item))).sort()
  if (typeof reply !== 'object' || reply === null) return reply
  return Object.entries(reply).map(([type, inner]) => [type, Array.isArray(inner) ? sorted(inner) : inner])
}

/** A reply as text, to look for words in it. */
export function show(value: unknown): string {
  return JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? `${inner}n` : inner)) ?? 'undefined'
}

/** One client's turn: requests that it sends together. */
export interface Turn {
  readonly client: number
  readonly requests: readonly string[][]
}

/** What several clients of one server do in turns; ` ; ` stands between requests of one turn. */
export function turns(clientCount: number, patterns: string): fc.Arbitrary<Turn[]> {
  const client = fc.nat({ max: clientCount - 1 })
  const requests = patternsOf(patterns).map((pattern) =>
    fc.tuple(...pattern.split(' ; ').map((part) => sequenceOf(part, true))),
  )
  return fc.array(fc.record({ client, requests: fc.oneof(...requests) }), { maxLength: 60, size: 'max' })
}
