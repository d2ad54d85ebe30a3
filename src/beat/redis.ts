import { randomUUID } from 'node:crypto'
import { type Clock, sleep } from '../clock.ts'
import { messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import { hostName } from '../nodename.ts'
import { Once } from '../once.ts'
import type { Redis } from '../transport/redis/connection.ts'
import { maskUrl } from '../url.ts'
import { readStored, type ScheduleStore, type Stored, writeStored } from './store.ts'

export interface RedisStoreOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly connectTimeoutMs: number
  /** What the name of every key begins with. @default '' */
  readonly globalKeyprefix?: string
  /** Sentinel: the name of the master. */
  readonly masterName?: string | null
  /** After which the lock of a beat that died is free. @default 15_000 */
  readonly lockMs?: number
}

// Its library costs every start of the command line that loads this file.
const library = () => import('../transport/redis/connection.ts')

type Transaction = ReturnType<Redis['multi']>

/**
 * Keeps the last runs where several beats see them, behind a lock: one sends, the others wait to take over. The lock
 * has a name that is its holder's alone, ends by itself, and is renewed as long as the holder lives.
 */
export class RedisStore implements ScheduleStore {
  readonly description: string
  readonly #url: string
  readonly #options: RedisStoreOptions
  readonly #lockMs: number
  readonly #keys: { readonly schedule: string; readonly lock: string }
  readonly #name = `process ${process.pid} on ${hostName()} (${randomUUID()})`
  readonly #connection = new Once(() => this.#connect())
  /** What is watched is watched by the whole connection: one transaction at a time. */
  #previous: Promise<unknown> = Promise.resolve()
  #renewing = new AbortController()

  constructor(url: string, options: RedisStoreOptions) {
    const { globalKeyprefix = '', lockMs = 15_000 } = options
    this.description = maskUrl(url)
    this.#url = url
    this.#options = options
    this.#lockMs = lockMs
    const schedule = `${globalKeyprefix}celery-sandbox.beat.schedule`
    this.#keys = { schedule, lock: `${globalKeyprefix}celery-sandbox.beat.lock` }
  }

  async acquire(signal: AbortSignal, onWait: (holder: string) => void): Promise<void> {
    let waitsFor: string | undefined
    while (!(await this.#take())) {
      const holder = await this.#ask((redis) => redis.get(this.#keys.lock))
      if (holder !== null && holder !== waitsFor) onWait(holder.replace(/ \([^)]*\)$/, ''))
      waitsFor = holder ?? waitsFor
      await sleep(this.#options.clock, Math.min(1_000, this.#lockMs / 4), signal)
    }
    this.#renewing.abort()
    this.#renewing = new AbortController()
    this.#keepRenewing(this.#renewing.signal).catch(() => {})
  }

  async #take(): Promise<boolean> {
    const { lock } = this.#keys
    const reply = await this.#ask((redis) => redis.set(lock, this.#name, 'PX', this.#lockMs, 'NX'))
    // It may be ours already, when the reply was lost on the way.
    return reply !== null || this.isMine()
  }

  async #keepRenewing(signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(this.#options.clock, this.#lockMs / 3, signal)
      await this.isMine().catch((error) => this.#options.log.debug(`beat: lock not renewed: ${messageOf(error)}`))
    }
  }

  /** If so, for the whole time of the lock from now on. */
  isMine(): Promise<boolean> {
    return this.#ifMine((transaction) => transaction.pexpire(this.#keys.lock, this.#lockMs))
  }

  async load(): Promise<Stored | undefined> {
    const text = await this.#ask((redis) => redis.get(this.#keys.schedule))
    if (text === null) return undefined
    try {
      return readStored(text)
    } catch (error) {
      const what = `beat: the schedule in ${this.description} cannot be read (${messageOf(error)})`
      this.#options.log.warning(`${what}; the last runs are forgotten`)
      return undefined
    }
  }

  async save(stored: Stored): Promise<void> {
    await this.#ifMine((transaction) => transaction.set(this.#keys.schedule, writeStored(stored)))
  }

  async close(): Promise<void> {
    this.#renewing.abort()
    await this.#connection.release(async (redis) => {
      await this.#previous
      await changeIfHeld(redis, this.#keys.lock, this.#name, (change) => change.del(this.#keys.lock)).catch(() => {})
      const { hangUp } = await library()
      hangUp(redis)
    })
  }

  #ifMine(change: (transaction: Transaction) => Transaction): Promise<boolean> {
    const { lock } = this.#keys
    const changing = this.#previous.then(() => this.#ask((redis) => changeIfHeld(redis, lock, this.#name, change)))
    this.#previous = changing.catch(() => {})
    return changing
  }

  async #ask<T>(question: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = await this.#connection.get()
    try {
      return await question(redis)
    } catch (cause) {
      const { connectionError } = await library()
      throw connectionError(this.#url, cause, 'BACKEND_UNREACHABLE')
    }
  }

  async #connect(): Promise<Redis> {
    const { connectTimeoutMs, masterName = null } = this.#options
    const { connectRedis } = await library()
    return connectRedis(this.#url, { connectTimeoutMs, masterName, code: 'BACKEND_UNREACHABLE' })
  }
}

/** Carries a transaction out, if the lock is held under that name and stays so meanwhile. */
async function changeIfHeld(
  redis: Redis,
  lock: string,
  name: string,
  change: (transaction: Transaction) => Transaction,
): Promise<boolean> {
  await redis.watch(lock)
  if ((await redis.get(lock)) === name) return (await change(redis.multi()).exec()) !== null
  await redis.unwatch()
  return false
}
