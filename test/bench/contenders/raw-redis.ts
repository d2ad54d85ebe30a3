import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { inFlight, type OpenContender } from './contender.ts'

/** What a queue on Redis cannot do without: push; take and claim, store and tell, release. No runtime around it. */
export const rawRedis: OpenContender = async (url) => {
  const redis = new Redis(url, { enableAutoPipelining: true })
  const body = JSON.stringify({ id: randomUUID(), args: [], payload: 'x'.repeat(800) })
  return {
    name: 'raw ioredis',
    publish: (count) => inFlight(count, () => redis.lpush('raw', body)),
    drain: (count) =>
      inFlight(count, async (i) => {
        const tag = String(i)
        await redis.rpop('raw')
        await redis.multi().zadd('raw-index', Date.now(), tag).hset('raw-unacked', tag, body).exec()
        await redis
          .multi()
          .setex(`raw-result-${tag}`, 60, '{"status": "SUCCESS"}')
          .publish(`raw-result-${tag}`, '1')
          .exec()
        await redis.multi().zrem('raw-index', tag).hdel('raw-unacked', tag).exec()
      }),
    close: async () => redis.disconnect(),
  }
}
