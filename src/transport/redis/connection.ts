import { Redis, type RedisOptions } from 'ioredis'
import { type Clock, sleep } from '../../clock.ts'
import { CeleryError, type ErrorCode, messageOf } from '../../errors.ts'
import { addressesOf, maskUrl, parseUrl, type ServiceUrl } from '../../url.ts'
import { tlsOptions } from '../tls.ts'

/** The home of ioredis: how a connection to Redis is made, and what its errors mean. */

export type { Redis } from 'ioredis'

export interface RedisAddress {
  readonly db: number
  readonly options: RedisOptions
}

interface AddressOptions {
  /** Sentinel: the name of the master. */
  masterName?: string | null
}

/** Reads `redis://`, `rediss://`, `redis+socket://` and `sentinel://…;sentinel://…` addresses as kombu does. */
export function redisAddress(url: string, { masterName = null }: AddressOptions = {}): RedisAddress {
  const address = parseUrl(url)
  const { scheme, username, password, path, query } = address
  const database = scheme === 'redis+socket' ? (query.virtual_host ?? '0') : path || '0'
  const db = Number(database)
  if (!Number.isInteger(db) || db < 0) {
    throw new CeleryError('IMPROPERLY_CONFIGURED', `the database of ${maskUrl(url)} is not a number: ${database}`)
  }
  const place = scheme === 'sentinel' ? throughSentinels(url, masterName) : placeOf(address)
  const login = { ...(username !== undefined && { username }), ...(password !== undefined && { password }) }
  return { db, options: { ...place, ...login, db } }
}

function placeOf({ scheme, hostname, port, path, query }: ServiceUrl): RedisOptions {
  if (scheme === 'redis+socket') return { path: `/${path}` }
  const place = { host: hostname || '127.0.0.1', port: port ?? 6379 }
  return scheme === 'rediss' ? { ...place, tls: tlsOptions(query) } : place
}

// The sentinels are asked anew for each connection, so a new master is found after a failover.
function throughSentinels(url: string, masterName: string | null): RedisOptions {
  if (!masterName) {
    const next = "Name the master as your sentinels know it: brokerTransportOptions: { masterName: 'mymaster' }."
    throw new CeleryError('IMPROPERLY_CONFIGURED', `${maskUrl(url)} does not say which master is meant`, { next })
  }
  const sentinels = addressesOf(url).map((each) => {
    const { hostname, port } = parseUrl(each)
    return { host: hostname || '127.0.0.1', port: port ?? 26379 }
  })
  return { sentinels, name: masterName }
}

export interface ConnectOptions extends AddressOptions {
  /** For the doorbell: protocol 2, in which Redis sends what is told to another connection. */
  hearsInvalidations?: boolean
  /** How often to ask whether the connection still lives: a line can go dead without a word. */
  healthCheck?: { readonly everyMs: number; readonly clock: Clock }
  connectTimeoutMs: number
  /** Which error a failed first connection is. */
  code: Extract<ErrorCode, 'BROKER_UNREACHABLE' | 'BACKEND_UNREACHABLE'>
  /** Told when an established connection breaks, and when it is back. */
  onLost?: (error: Error) => void
  onRestored?: () => void
}

/**
 * Opens a connection that reconnects by itself from then on. Commands given meanwhile are rejected, as are those that
 * were under way when it broke, for nobody knows whether they were carried out.
 *
 * @throws {CeleryError} with `options.code`, or LOGIN_REFUSED for a wrong password.
 */
export async function connectRedis(url: string, options: ConnectOptions): Promise<Redis> {
  const settings: RedisOptions & { replyMapping: 'legacy' } = {
    ...redisAddress(url, options).options,
    replyMapping: 'legacy',
    ...(options.hearsInvalidations && { protocol: 2, autoResubscribe: false }),
    lazyConnect: true,
    connectTimeout: options.connectTimeoutMs,
    // A command never waits for a connection: its caller decides whether to try again.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableAutoPipelining: true,
    disconnectTimeout: 100, // a server does not hang up on a client that waits in a blocking command
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000),
  }
  const redis = new Redis(settings)
  let lastError: Error | undefined
  redis.on('error', (error: Error) => {
    lastError = error
  })
  try {
    await firstConnection(redis, options.connectTimeoutMs)
  } catch (error) {
    redis.disconnect()
    throw connectionError(url, lastError ?? error, options.code)
  }
  watch(redis, options, () => lastError)
  if (options.healthCheck) askForLife(redis, options.healthCheck).catch(() => {})
  return redis
}

// ioredis retries for ever; the first connection is a question that wants an answer.
async function firstConnection(redis: Redis, timeoutMs: number): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  const { promise: refused, reject: refuse } = Promise.withResolvers<never>()
  redis.once('error', refuse)
  try {
    await Promise.race([redis.connect(), late, refused])
  } finally {
    clearTimeout(timer)
    redis.off('error', refuse)
  }
}

function watch(redis: Redis, options: ConnectOptions, lastError: () => Error | undefined): void {
  let isLost = false
  redis.on('close', () => {
    if (isLost || redis.status === 'end') return
    isLost = true
    options.onLost?.(lastError() ?? new Error('connection closed by the server'))
  })
  redis.on('ready', () => {
    if (isLost) options.onRestored?.()
    isLost = false
  })
}

// Who only listens would wait on a dead line for ever.
async function askForLife(redis: Redis, { everyMs, clock }: NonNullable<ConnectOptions['healthCheck']>): Promise<void> {
  const ended = new AbortController()
  let isSilent = false
  const onAnswer = () => {
    isSilent = false
  }
  redis.on('ready', onAnswer)
  redis.on('close', onAnswer)
  redis.once('end', () => ended.abort())
  for (;;) {
    await sleep(clock, everyMs, ended.signal)
    if (isSilent) redis.disconnect(true)
    isSilent = redis.status === 'ready' || redis.status === 'connect'
    if (redis.status === 'ready') redis.ping().then(onAnswer, onAnswer)
  }
}

/** Ends a connection for good: `end` follows, also for one that was waiting to reconnect, of which ioredis says nothing. */
export function hangUp(redis: Redis): void {
  const isAway = redis.status === 'reconnecting'
  redis.disconnect()
  if (isAway) redis.emit('end')
}

/** Names what went wrong in terms of the address, once and for all. */
export function connectionError(url: string, cause: unknown, code: ConnectOptions['code']): CeleryError {
  const reason = messageOf(cause)
  if (/WRONGPASS|NOAUTH|invalid password|invalid username/i.test(reason)) {
    return new CeleryError('LOGIN_REFUSED', `${maskUrl(url)} refuses the login: ${reason}`, { cause })
  }
  return new CeleryError(code, `cannot reach ${maskUrl(url)}: ${reason}`, { cause })
}
