import { beforeEach } from 'vitest'
import { RedisStore } from '../../src/beat/redis.ts'
import { systemClock } from '../../src/clock.ts'
import { silentLogger } from '../../src/log.ts'
import { scheduleStoreConformance } from '../conformance/schedule-store.ts'
import { freshRedisUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'

describeWith(['redis'], 'the store of last runs in Redis', () => {
  let url: string
  beforeEach(async () => {
    url = await freshRedisUrl()
  })
  scheduleStoreConformance(
    () => new RedisStore(url, { clock: systemClock, log: silentLogger, connectTimeoutMs: 2_000 }),
  )
})
