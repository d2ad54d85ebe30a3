import { randomUUID } from 'node:crypto'
import { systemClock } from '../clock.ts'
import { CeleryError } from '../errors.ts'
import { silentLogger } from '../log.ts'
import { driverDefaults } from '../transport/open.ts'
import { maskUrl, parseUrl } from '../url.ts'
import type { Backend, BackendOptions } from './backend.ts'

type Open = (url: string, options: BackendOptions) => Promise<Backend>

/** URL scheme → backend, imported when first needed. */
const drivers: Record<string, () => Promise<Open>> = {
  disabled: async () => (await import('./disabled.ts')).openDisabled,
  memory: async () => (await import('./memory.ts')).openMemory,
  redis: async () => (await import('./redis.ts')).openRedis,
  rediss: async () => (await import('./redis.ts')).openRedis,
  sentinel: async () => (await import('./redis.ts')).openRedis,
  'redis+socket': async () => (await import('./redis.ts')).openRedis,
  rpc: async () => (await import('./rpc.ts')).openRpc,
  'db+sqlite': async () => (await import('./database/sqlite.ts')).openSqlite,
  'db+postgresql': async () => (await import('./database/postgresql.ts')).openPostgresql,
}

/**
 * Connects to a result backend; without an address, or for `disabled://`, results are not kept.
 *
 * @throws {CeleryError} BACKEND_UNREACHABLE, LOGIN_REFUSED; UNSUPPORTED for a scheme without a backend.
 */
export async function openBackend(url: string | null, options: Partial<BackendOptions> = {}): Promise<Backend> {
  const address = completed(url)
  const driver = drivers[schemeOf(address)]
  if (!driver) {
    const known = Object.keys(drivers).join(', ')
    throw new CeleryError('UNSUPPORTED', `no result backend for ${maskUrl(address)}; there are ${known}`)
  }
  const open = await driver()
  return open(address, {
    clock: systemClock,
    log: silentLogger,
    connectTimeoutMs: 4_000,
    resultExpires: 86_400,
    globalKeyprefix: '',
    masterName: null,
    healthCheckInterval: driverDefaults.healthCheckInterval,
    resultPersistent: false,
    oid: randomUUID(),
    transport: async () => {
      throw new CeleryError('IMPROPERLY_CONFIGURED', `${address} needs a broker: open it as the backend of an app`)
    },
    ...options,
  })
}

/** Whether results come to their caller as messages: `listen` must be called before a task is sent. */
export const repliesToCaller = (url: string | null): boolean => schemeOf(completed(url)) === 'rpc'

/** Whether results stay until somebody deletes those that have expired: `celery.backend_cleanup`. */
export const needsCleanUp = (url: string | null): boolean => schemeOf(completed(url)).startsWith('db+')

// A database's address may also name the library that Python shall use: `db+postgresql+psycopg2`.
const schemeOf = (address: string) => parseUrl(address).scheme.replace(/^(db\+[^+]+)\+.*/, '$1')

// Celery takes a bare name as well: `rpc`.
function completed(url: string | null): string {
  if (!url) return 'disabled://'
  return url.includes('://') ? url : `${url}://`
}
