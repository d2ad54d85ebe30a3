import type { Redis } from './connection.ts'

/**
 * What must happen in one step on the server. The first line names the script for the embedded broker, which has no
 * Lua and runs its own version of each.
 */

/**
 * Takes up to ARGV[1] messages from the lists KEYS[3…], first list first, and records each as unacknowledged in the
 * same step: a consumer that dies right after has lost nothing. The record leads back to the very queue it came from,
 * ARGV[3…], whatever the envelope says; what is not a JSON object is recorded as a JSON string, which Python can read.
 * KEYS: unacked_index, unacked, lists. ARGV: count, stem of the tags, queue of each list.
 * Replies with triples: list, tag, envelope.
 */
const take = `-- celery-sandbox:take
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local taken = {}
local left = tonumber(ARGV[1])
for k = 3, #KEYS do
  while left > 0 do
    local envelope = redis.call('RPOP', KEYS[k])
    if not envelope then break end
    local readable, content = pcall(cjson.decode, envelope)
    local isObject = readable and type(content) == 'table' and string.match(envelope, '^%s*{')
    local record = isObject and envelope or cjson.encode(envelope)
    local tag = ARGV[2] .. '.' .. left
    redis.call('ZADD', KEYS[1], now, tag)
    redis.call('HSET', KEYS[2], tag, '[' .. record .. ', "", ' .. cjson.encode(ARGV[k]) .. ']')
    taken[#taken + 1] = KEYS[k]
    taken[#taken + 1] = tag
    taken[#taken + 1] = envelope
    left = left - 1
  end
end
return taken
`

/**
 * Puts a message back, unless it was acknowledged or put back meanwhile, or (when ARGV[4] is given) its claim was
 * renewed since ARGV[4].
 * KEYS: unacked_index, unacked, list. ARGV: tag, envelope, 'front' (next to be taken) or 'back', time of the claim.
 */
const putBack = `-- celery-sandbox:put-back
if ARGV[4] ~= '' and tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '0') > tonumber(ARGV[4]) then return 0 end
if redis.call('HDEL', KEYS[2], ARGV[1]) == 0 then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
if ARGV[3] == 'front' then redis.call('RPUSH', KEYS[3], ARGV[2]) else redis.call('LPUSH', KEYS[3], ARGV[2]) end
return 1
`

/**
 * Claims that nobody has renewed for ARGV[1] seconds, if their tags begin with ARGV[3]; of all others those that are
 * older than ARGV[2] seconds. KEYS: unacked_index. Replies with triples: tag, time of the claim, 1 when older than
 * ARGV[2] seconds, else 0.
 */
const stale = `-- celery-sandbox:stale
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local found = {}
local claims = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1], 'WITHSCORES')
for i = 1, #claims, 2 do
  local tag, claimed = claims[i], claims[i + 1]
  local overdue = tonumber(claimed) <= now - ARGV[2]
  if overdue or string.sub(tag, 1, #ARGV[3]) == ARGV[3] then
    found[#found + 1] = tag
    found[#found + 1] = claimed
    found[#found + 1] = overdue and 1 or 0
  end
end
return found
`

/** Renews the claims on the tags ARGV. KEYS: unacked_index. */
const renew = `-- celery-sandbox:renew
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
for _, tag in ipairs(ARGV) do redis.call('ZADD', KEYS[1], 'XX', now, tag) end
return #ARGV
`

/** Gives up the lock KEYS[1], if ARGV[1] still holds it. */
const release = `-- celery-sandbox:release
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`

export interface Scripts {
  take(
    keys: readonly string[],
    count: number,
    stem: string,
    queues: readonly string[],
  ): Promise<readonly (Buffer | undefined)[]>
  putBack(
    keys: readonly string[],
    tag: string,
    envelope: Uint8Array,
    options: { end: 'front' | 'back'; claimedAt?: string },
  ): Promise<number>
  stale(
    keys: readonly string[],
    silentSeconds: number,
    ageSeconds: number,
    prefix: string,
  ): Promise<(string | number)[]>
  renew(keys: readonly string[], tags: readonly string[]): Promise<number>
  release(keys: readonly string[], token: string): Promise<number>
}

type Argument = string | number | Buffer

/** Binds the scripts to a connection: EVALSHA, and EVAL where the server does not know them yet. */
export function scriptsOn(redis: Redis): Scripts {
  const run = (name: string, lua: string, reply: 'text' | 'bytes' = 'text') => {
    redis.defineCommand(name, { lua })
    const command = Reflect.get(redis, reply === 'bytes' ? `${name}Buffer` : name) as (
      count: number,
      ...rest: Argument[]
    ) => Promise<unknown>
    return (keys: readonly string[], ...args: Argument[]) => command.call(redis, keys.length, ...keys, ...args)
  }
  const takeIt = run('celeryTake', take, 'bytes')
  const putItBack = run('celeryPutBack', putBack)
  const staleOnes = run('celeryStale', stale)
  const renewThem = run('celeryRenew', renew)
  const releaseIt = run('celeryRelease', release)
  return {
    take: (keys, count, stem, queues) => takeIt(keys, count, stem, ...queues) as Promise<Buffer[]>,
    putBack: (keys, tag, envelope, { end, claimedAt = '' }) =>
      putItBack(keys, tag, Buffer.from(envelope), end, claimedAt) as Promise<number>,
    stale: (keys, silentSeconds, ageSeconds, prefix) =>
      staleOnes(keys, silentSeconds, ageSeconds, prefix) as Promise<(string | number)[]>,
    renew: (keys, tags) => renewThem(keys, ...tags) as Promise<number>,
    release: (keys, token) => releaseIt(keys, token) as Promise<number>,
  }
}
