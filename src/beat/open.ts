import { resolve } from 'node:path'
import type { Celery } from '../app/app.ts'
import { CeleryError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { maskUrl, parseUrl } from '../url.ts'
import { FileStore } from './file.ts'
import { MemoryStore } from './memory.ts'
import { RedisStore } from './redis.ts'
import type { ScheduleStore } from './store.ts'

export interface StoreOptions {
  /** `file`, `memory`, `redis` or an address. @default the setting beatScheduler */
  readonly scheduler?: string | undefined
  /** @default the setting beatScheduleFilename */
  readonly schedule?: string | undefined
  readonly log: Logger
}

/** Celery's names for the same. */
const celeryNames: Readonly<Record<string, string>> = { PersistentScheduler: 'file', Scheduler: 'memory' }

/**
 * Opens where the last runs are kept.
 *
 * @throws {CeleryError} IMPROPERLY_CONFIGURED for a scheduler that is not known
 */
export function openStore(app: Celery, options: StoreOptions): ScheduleStore {
  const { scheduler = app.conf.beatScheduler, schedule = app.conf.beatScheduleFilename, log } = options
  const name = celeryNames[/^celery\.beat[:.](\w+)$/.exec(scheduler)?.[1] ?? ''] ?? scheduler
  if (name === 'file') return new FileStore(resolve(schedule), log)
  if (name === 'memory') return new MemoryStore()
  const { clock, conf } = app
  const { globalKeyprefix, masterName } = conf.brokerTransportOptions
  const connectTimeoutMs = conf.brokerConnectionTimeout * 1000
  return new RedisStore(addressOf(app, name), { clock, log, connectTimeoutMs, globalKeyprefix, masterName })
}

function addressOf({ conf }: Celery, scheduler: string): string {
  if (isRedis(scheduler)) return scheduler
  if (scheduler !== 'redis') {
    const next = 'There are file, memory, redis, and the address of a Redis: redis://127.0.0.1:6379/0'
    throw new CeleryError('IMPROPERLY_CONFIGURED', `there is no scheduler '${maskUrl(scheduler)}'`, { next })
  }
  const address = [conf.brokerUrl, conf.resultBackend ?? ''].find(isRedis)
  if (address !== undefined) return address
  const next = 'Name its address instead: redis://127.0.0.1:6379/0'
  throw new CeleryError('IMPROPERLY_CONFIGURED', "the scheduler 'redis' needs a broker or results in Redis", { next })
}

const schemes: readonly string[] = ['redis', 'rediss', 'redis+socket', 'sentinel']

const isRedis = (address: string) => /^[\w+]+:\/\//.test(address) && schemes.includes(parseUrl(address).scheme)
