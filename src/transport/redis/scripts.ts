import type { Redis } from './connection.ts'

/**
 * What must happen in one step on the server. The first line names the script for the embedded broker, which has no
 * Lua and runs its own version of each.
 */

/**
 * Takes up to ARGV[1] messages from the lists KEYS[4…], first list first, and records each as unacknowledged in the
 * same step: a consumer that dies right after has lost nothing. What is no envelope goes to the dead-letter list.
 * KEYS: unacked_index, unacked, dead letters, lists. Replies with triples: list, delivery tag, envelope.
 */
const take = `-- celery-sandbox:take
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local taken = {}
local left = tonumber(ARGV[1])
for k = 4, #KEYS do
  while left > 0 do
    local envelope = redis.call('RPOP', KEYS[k])
    if not envelope then break end
    local readable, tag, exchange, key = pcall(function()
      local properties = cjson.decode(envelope).properties
      local info = properties.delivery_info
      return properties.delivery_tag, info.exchange, info.routing_key
    end)
    if readable and type(tag) == 'string' and type(exchange) == 'string' and type(key) == 'string' then
      redis.call('ZADD', KEYS[1], now, tag)
      redis.call('HSET', KEYS[2], tag, '[' .. envelope .. ', ' .. cjson.encode(exchange) .. ', ' .. cjson.encode(key) .. ']')
      taken[#taken + 1] = KEYS[k]
      taken[#taken + 1] = tag
      taken[#taken + 1] = envelope
      left = left - 1
    else
      redis.call('LPUSH', KEYS[3], envelope)
    end
  end
end
return taken
`

/**
 * Puts a message back, unless it was acknowledged or put back meanwhile.
 * KEYS: unacked_index, unacked, list. ARGV: delivery tag, envelope, 'front' (next to be taken) or 'back'.
 */
const putBack = `-- celery-sandbox:put-back
if redis.call('HDEL', KEYS[2], ARGV[1]) == 0 then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
if ARGV[3] == 'front' then redis.call('RPUSH', KEYS[3], ARGV[2]) else redis.call('LPUSH', KEYS[3], ARGV[2]) end
return 1
`

/** Delivery tags whose claim is older than ARGV[1] seconds, with their entries. KEYS: unacked_index, unacked. */
const expired = `-- celery-sandbox:expired
local time = redis.call('TIME')
local limit = time[1] + time[2] / 1000000 - ARGV[1]
local found = {}
for _, tag in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', limit, 'LIMIT', 0, 100)) do
  found[#found + 1] = tag
  found[#found + 1] = redis.call('HGET', KEYS[2], tag)
end
return found
`

/** Renews the claims on the delivery tags ARGV. KEYS: unacked_index. */
const renew = `-- celery-sandbox:renew
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
for _, tag in ipairs(ARGV) do redis.call('ZADD', KEYS[1], 'XX', now, tag) end
return #ARGV
`

export interface Scripts {
  take(keys: readonly string[], count: number): Promise<string[]>
  putBack(keys: readonly string[], tag: string, envelope: string, end: 'front' | 'back'): Promise<number>
  expired(keys: readonly string[], ageSeconds: number): Promise<(string | null)[]>
  renew(keys: readonly string[], tags: readonly string[]): Promise<number>
}

/** Binds the scripts to a connection: EVALSHA, and EVAL where the server does not know them yet. */
export function scriptsOn(redis: Redis): Scripts {
  const run = (name: string, lua: string) => {
    redis.defineCommand(name, { lua })
    const command = Reflect.get(redis, name) as (count: number, ...rest: (string | number)[]) => Promise<unknown>
    return (keys: readonly string[], ...args: (string | number)[]) => command.call(redis, keys.length, ...keys, ...args)
  }
  const takeIt = run('celeryTake', take)
  const putItBack = run('celeryPutBack', putBack)
  const expiredOnes = run('celeryExpired', expired)
  const renewThem = run('celeryRenew', renew)
  return {
    take: (keys, count) => takeIt(keys, count) as Promise<string[]>,
    putBack: (keys, tag, envelope, end) => putItBack(keys, tag, envelope, end) as Promise<number>,
    expired: (keys, ageSeconds) => expiredOnes(keys, ageSeconds) as Promise<(string | null)[]>,
    renew: (keys, tags) => renewThem(keys, ...tags) as Promise<number>,
  }
}
