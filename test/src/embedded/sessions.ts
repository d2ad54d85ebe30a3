import type { WireReply } from './wire-client.ts'

/**
 * Conversations with a Redis server that starts empty, one request and its reply to a line. `nil` is a missing string
 * or list, `[…]` a list, `''` an empty string. The differential test holds them against a real Redis.
 */
export const sessions: Readonly<Record<string, string>> = {
  strings: `
    SET greeting hello -> OK
    GET greeting -> hello
    GET nothing -> nil
    SET greeting hi NX -> nil
    SET greeting hi XX GET -> hello
    SET missing hi XX -> nil
    APPEND greeting ' there' -> 8
    STRLEN greeting -> 8
    GETRANGE greeting 0 1 -> hi
    GETRANGE greeting -5 -1 -> there
    SETRANGE greeting 3 you -> 8
    GET greeting -> hi youre
    GETSET greeting bye -> hi youre
    GETDEL greeting -> bye
    EXISTS greeting -> 0
    SETNX once 1 -> 1
    SETNX once 2 -> 0
    MSET a 1 b 2 -> OK
    MGET a nothing b -> [1 nil 2]
    MSETNX b 3 c 4 -> 0
    INCR a -> 2
    INCRBY a 10 -> 12
    DECRBY a 20 -> -8
    INCR greeting -> 1
    INCRBYFLOAT a 0.5 -> -7.5
    SET text words -> OK
    INCR text -> ERR value is not an integer or out of range
    SET big 9223372036854775807 -> OK
    INCR big -> ERR increment or decrement would overflow
    SET key value EX 0 -> ERR invalid expire time in 'set' command
    SET key value PX -> ERR syntax error
    SET key value NX XX -> ERR syntax error
    LPUSH list item -> 1
    GET list -> WRONGTYPE Operation against a key holding the wrong kind of value
    SET list replaced -> OK
    TYPE list -> string
  `,
  lists: `
    RPUSH list b c -> 2
    LPUSH list a -> 3
    LRANGE list 0 -1 -> [a b c]
    LLEN list -> 3
    LINDEX list 0 -> a
    LINDEX list -1 -> c
    LINDEX list 9 -> nil
    LSET list 1 B -> OK
    LSET list 9 x -> ERR index out of range
    LSET nothing 0 x -> ERR no such key
    LINSERT list BEFORE c between -> 4
    LINSERT list AFTER nowhere x -> -1
    LRANGE list 1 2 -> [B between]
    LPOP list -> a
    RPOP list 2 -> [c between]
    RPOP list 9 -> [B]
    LPOP list -> nil
    EXISTS list -> 0
    RPUSH list 1 2 1 3 1 -> 5
    LREM list -2 1 -> 2
    LRANGE list 0 -1 -> [1 2 3]
    LTRIM list 1 -1 -> OK
    LRANGE list 0 -1 -> [2 3]
    LPUSHX nothing x -> 0
    RPUSHX list 4 -> 3
    LPOS list 3 -> 1
    RPUSH many x y x y x -> 5
    LPOS many x RANK -1 -> 4
    LPOS many x COUNT 0 -> [0 2 4]
    LPOS many x RANK 2 COUNT 2 MAXLEN 3 -> [2]
    LPOS many x RANK 0 -> ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list
    RPOPLPUSH list other -> 4
    LMOVE list other LEFT RIGHT -> 2
    LRANGE other 0 -1 -> [4 2]
    LMOVE list other UP DOWN -> ERR syntax error
    LMPOP 2 nothing other LEFT COUNT 5 -> [other [4 2]]
    LMPOP 1 nothing LEFT -> nil
    LMPOP 0 other LEFT -> ERR numkeys should be greater than 0
    SET text value -> OK
    LPUSH text x -> WRONGTYPE Operation against a key holding the wrong kind of value
    LPOP many -1 -> ERR value is out of range, must be positive
  `,
  'blocking commands that need not wait': `
    RPUSH list a b c -> 3
    BLPOP nothing list 0 -> [list a]
    BRPOP list nothing 0 -> [list c]
    BLMOVE list list RIGHT RIGHT 0 -> b
    BRPOPLPUSH list other 0 -> b
    BLMPOP 0 2 list other LEFT COUNT 2 -> [other [b]]
    BLPOP list never -> ERR timeout is not a float or out of range
    BLPOP list -1 -> ERR timeout is negative
    SET text value -> OK
    BLPOP nothing text 0 -> WRONGTYPE Operation against a key holding the wrong kind of value
  `,
  hashes: `
    HSET hash a 1 b 2 -> 2
    HSET hash a 3 c 4 -> 1
    HGET hash a -> 3
    HGET hash nothing -> nil
    HMGET hash a nothing c -> [3 nil 4]
    HGETALL hash -> [a 3 b 2 c 4]
    HKEYS hash -> [a b c]
    HVALS hash -> [3 2 4]
    HLEN hash -> 3
    HEXISTS hash a -> 1
    HSTRLEN hash a -> 1
    HSETNX hash a 9 -> 0
    HINCRBY hash a 5 -> 8
    HINCRBY hash a x -> ERR value is not an integer or out of range
    HINCRBYFLOAT hash a 0.5 -> 8.5
    HSET hash text words -> 1
    HINCRBY hash text 1 -> ERR hash value is not an integer
    HINCRBYFLOAT hash text 1 -> ERR hash value is not a float
    HMSET hash d 5 -> OK
    HDEL hash a b c d nothing -> 4
    HSCAN hash 0 MATCH te* -> [0 [text words]]
    HDEL hash text -> 1
    EXISTS hash -> 0
    HSET hash odd -> ERR wrong number of arguments for 'hset' command
    HSET hash a 1 odd -> ERR wrong number of arguments for 'hset' command
  `,
  sets: `
    SADD set a b c a -> 3
    SCARD set -> 3
    SISMEMBER set a -> 1
    SMISMEMBER set a nothing -> [1 0]
    SREM set a b nothing -> 2
    SMEMBERS set -> [c]
    SADD set b -> 1
    SADD other c d -> 2
    SINTER set other -> [c]
    SDIFF set other -> [b]
    SUNIONSTORE all set other -> 3
    SCARD all -> 3
    SINTERSTORE all set nothing -> 0
    EXISTS all -> 0
    SDIFFSTORE all other set -> 1
    SMEMBERS all -> [d]
    SMOVE set other b -> 1
    SMOVE set other b -> 0
    SPOP set -> c
    SPOP set -> nil
    SPOP set 2 -> []
    SRANDMEMBER other 0 -> []
    SRANDMEMBER nothing -> nil
    SSCAN set 0 -> [0 []]
    SPOP other -1 -> ERR value is out of range, must be positive
  `,
  'sorted sets': `
    ZADD zset 1 a 2 b 3 c -> 3
    ZADD zset 1.5 a -> 0
    ZADD zset CH 5 a 9 d -> 2
    ZADD zset NX 7 a -> 0
    ZADD zset XX CH 4 a -> 1
    ZADD zset GT 3 a -> 0
    ZADD zset LT CH 3 a -> 1
    ZADD zset INCR 2 a -> 5
    ZADD zset NX INCR 2 a -> nil
    ZADD zset NX XX 2 a -> ERR XX and NX options at the same time are not compatible
    ZADD zset NX GT 2 a -> ERR GT, LT, and/or NX options at the same time are not compatible
    ZADD zset INCR 2 a 3 b -> ERR INCR option supports a single increment-element pair
    ZADD zset x a -> ERR value is not a valid float
    ZADD zset 1 -> ERR wrong number of arguments for 'zadd' command
    ZSCORE zset a -> 5
    ZSCORE zset nothing -> nil
    ZMSCORE zset a nothing -> [5 nil]
    ZINCRBY zset 0.25 a -> 5.25
    ZCARD zset -> 4
    ZRANK zset a -> 2
    ZREVRANK zset a -> 1
    ZRANK zset nothing -> nil
    ZADD zset inf z -inf y -> 2
    ZINCRBY zset -inf z -> ERR resulting score is not a number (NaN)
    ZREM zset y z nothing -> 2
    ZPOPMIN zset -> [b 2]
    ZPOPMAX zset 2 -> [d 9 a 5.25]
    ZPOPMIN zset 0 -> []
    ZSCAN zset 0 -> [0 [c 3]]
    ZPOPMIN zset 5 -> [c 3]
    EXISTS zset -> 0
  `,
  'ranges of sorted sets': `
    ZADD zset 1 a 2 b 3 c 4 d 5 e -> 5
    ZRANGE zset 0 1 -> [a b]
    ZRANGE zset -2 -1 WITHSCORES -> [d 4 e 5]
    ZRANGE zset 0 1 REV -> [e d]
    ZREVRANGE zset 0 1 -> [e d]
    ZRANGEBYSCORE zset 2 (4 -> [b c]
    ZRANGEBYSCORE zset -inf +inf LIMIT 1 2 -> [b c]
    ZREVRANGEBYSCORE zset (4 2 WITHSCORES -> [c 3 b 2]
    ZRANGE zset 2 4 BYSCORE LIMIT 1 9 -> [c d]
    ZRANGE zset 4 2 BYSCORE REV LIMIT 0 1 -> [d]
    ZCOUNT zset (1 3 -> 2
    ZCOUNT zset -inf +inf -> 5
    ZRANGEBYSCORE zset low high -> ERR min or max is not a float
    ZRANGE zset 0 1 LIMIT 0 1 -> ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
    ZRANGE zset - + BYLEX WITHSCORES -> ERR syntax error, WITHSCORES not supported in combination with BYLEX
    ZADD names 0 ann 0 bob 0 cid -> 3
    ZRANGEBYLEX names [b + -> [bob cid]
    ZREVRANGEBYLEX names (cid - -> [bob ann]
    ZLEXCOUNT names - (cid -> 2
    ZRANGEBYLEX names b + -> ERR min or max not valid string range item
    ZRANGESTORE top zset 0 1 REV -> 2
    ZRANGE top 0 -1 WITHSCORES -> [d 4 e 5]
    ZREMRANGEBYLEX names [a (b -> 1
    ZREMRANGEBYRANK zset 0 0 -> 1
    ZREMRANGEBYSCORE zset 4 +inf -> 2
    ZRANGE zset 0 -1 -> [b c]
  `,
  keys: `
    MSET one 1 two 2 three 3 -> OK
    EXISTS one two nothing one -> 3
    TOUCH one nothing -> 1
    TYPE one -> string
    TYPE nothing -> none
    KEYS t?o -> [two]
    KEYS [^t]* -> [one]
    SCAN 0 COUNT 100 MATCH *hre* -> [0 [three]]
    SCAN 0 COUNT 100 TYPE list -> [0 []]
    SCAN x -> ERR invalid cursor
    SCAN 0 COUNT 0 -> ERR syntax error
    RENAME one uno -> OK
    RENAME nothing uno -> ERR no such key
    RENAMENX uno two -> 0
    COPY uno dos -> 1
    COPY uno dos -> 0
    COPY uno dos REPLACE -> 1
    COPY uno uno -> ERR source and destination objects are the same
    MOVE uno 1 -> 1
    SELECT 1 -> OK
    GET uno -> 1
    SELECT 0 -> OK
    SELECT 16 -> ERR DB index is out of range
    SELECT x -> ERR value is not an integer or out of range
    SWAPDB 0 1 -> OK
    DBSIZE -> 1
    FLUSHDB -> OK
    DBSIZE -> 0
    SWAPDB 0 1 -> OK
    DEL two three nothing -> 2
    UNLINK dos -> 1
    RANDOMKEY -> nil
    OBJECT ENCODING nothing -> nil
  `,
  expiry: `
    SET key value -> OK
    TTL key -> -1
    TTL nothing -> -2
    EXPIRE key 100 -> 1
    TTL key -> 100
    EXPIRE key 200 NX -> 0
    EXPIRE key 50 GT -> 0
    EXPIRE key 300 GT -> 1
    EXPIRE key 400 LT -> 0
    EXPIRE key 90 XX -> 1
    EXPIRE key 1 NX XX -> ERR NX and XX, GT or LT options at the same time are not compatible
    EXPIRE key 1 GT LT -> ERR GT and LT options at the same time are not compatible
    EXPIRE key 1 MAYBE -> ERR Unsupported option MAYBE
    EXPIRE key soon -> ERR value is not an integer or out of range
    EXPIRE key 9223372036854775807 -> ERR invalid expire time in 'expire' command
    PERSIST key -> 1
    PERSIST key -> 0
    PEXPIREAT key 4102444800000 -> 1
    EXPIRETIME key -> 4102444800
    PEXPIRETIME key -> 4102444800000
    GETEX key PERSIST -> value
    TTL key -> -1
    SET key value EXAT 4102444800 -> OK
    APPEND key s -> 6
    EXPIRETIME key -> 4102444800
    SET key value KEEPTTL -> OK
    EXPIRETIME key -> 4102444800
    SET key value -> OK
    EXPIRETIME key -> -1
    EXPIREAT key 1 -> 1
    EXISTS key -> 0
    SETEX key 0 value -> ERR invalid expire time in 'setex' command
    EXPIRE nothing 10 -> 0
  `,
}

export interface Exchange {
  readonly request: readonly string[]
  readonly reply: string
}

export function exchangesOf(session: string): Exchange[] {
  const lines = session.split('\n').map((line) => line.trim())
  return lines.filter(Boolean).map((line) => {
    const [request = '', reply = ''] = line.split(' -> ')
    return { request: wordsOf(request), reply }
  })
}

/** Words apart at blanks, or in single quotes. */
function wordsOf(request: string): string[] {
  return [...request.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => bare ?? quoted ?? '')
}

/** A reply as the sessions write it. */
export function formatReply(reply: WireReply): string {
  if (reply === null || reply === undefined) return 'nil'
  if (Array.isArray(reply)) return `[${reply.map(formatReply).join(' ')}]`
  if (typeof reply !== 'object') return String(reply) || "''"
  if ('error' in reply) return reply.error
  return Object.entries(reply)
    .map(([type, content]) => `${type} ${formatReply(content)}`)
    .join(' ')
}
