import { batched } from '../batch.ts'
import { CeleryError } from '../errors.ts'
import { Once } from '../once.ts'
import { persist } from '../persist.ts'
import { dumps, loads } from '../protocol/json.ts'
import { parseResultMeta, type ResultMeta, type ResultTuple } from '../protocol/result-meta.ts'
import type { State } from '../protocol/states.ts'
import { connectionError, connectRedis, hangUp, type Redis } from '../transport/redis/connection.ts'
import { maskUrl } from '../url.ts'
import {
  type Backend,
  type BackendOptions,
  type ChordMember,
  type ChordStore,
  type GroupStore,
  isNested,
  storePolicy,
} from './backend.ts'

/** Results in Redis with Celery's keys, so that Python and TypeScript read each other's (§5.2 of its wire formats). */
export async function openRedis(url: string, options: BackendOptions): Promise<Backend> {
  const { connectTimeoutMs, masterName, healthCheckInterval, clock } = options
  const healthCheck = { everyMs: healthCheckInterval * 1000, clock }
  const connect = () => connectRedis(url, { connectTimeoutMs, masterName, healthCheck, code: 'BACKEND_UNREACHABLE' })
  return new RedisBackend(url, await connect(), connect, options)
}

/**
 * Stores and tells, unless a SUCCESS is stored already; one step, so that two writers cannot cross.
 * KEYS: meta. ARGV: text, seconds to live (0: for ever). Every writer puts `status` first.
 */
const store = `-- celery-sandbox:store
local stored = redis.call('GET', KEYS[1])
if stored and string.find(stored, '^{"status": ?"SUCCESS"') then return 0 end
if ARGV[2] == '0' then redis.call('SET', KEYS[1], ARGV[1]) else redis.call('SETEX', KEYS[1], ARGV[2], ARGV[1]) end
redis.call('PUBLISH', KEYS[1], ARGV[1])
return 1
`

/**
 * Notes an end of a chord: once for each task, however often it is told. Replies with all of them to the one that
 * completes the chord, and to nobody else; to the same one again if it is told again.
 * KEYS: .j, .t, .s of the group, and who completed it. ARGV: member, score, task id, seconds to live (0: for ever).
 */
const end = `-- celery-sandbox:chord-end
local known = false
for _, entry in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[2], ARGV[2])) do
  if string.find(entry, '"' .. ARGV[3] .. '"', 1, true) == string.find(entry, '"', 1, true) then known = true end
end
if not known then redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1]) end
local size = redis.call('GET', KEYS[3])
local isComplete = size and redis.call('ZCARD', KEYS[1]) == size + (redis.call('GET', KEYS[2]) or 0)
if isComplete and not known then redis.call('SET', KEYS[4], ARGV[3]) end
if ARGV[4] ~= '0' then for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[4]) end end
if not isComplete or redis.call('GET', KEYS[4]) ~= ARGV[3] then return false end
return redis.call('ZRANGE', KEYS[1], 0, -1)
`

/** Celery's names of keys, behind the prefix of all, which it sets off with an underscore where it ends in a letter. */
class Keys {
  readonly #prefix: string

  constructor(globalKeyprefix: string) {
    this.#prefix = /[^:_.-]$/.test(globalKeyprefix) ? `${globalKeyprefix}_` : globalKeyprefix
  }

  meta(taskId: string): string {
    return `${this.#prefix}celery-task-meta-${taskId}`
  }

  group(groupId: string): string {
    return `${this.#prefix}celery-taskset-meta-${groupId}`
  }

  /** Ends that have come, ends that were added, ends that were there, and, ours alone, who completed them. */
  chord(groupId: string): readonly [ends: string, added: string, size: string, completedBy: string] {
    const group = this.group(groupId)
    return [`${group}.j`, `${group}.t`, `${group}.s`, `${group}.completed-by`]
  }
}

interface Watcher {
  readonly onMeta: (meta: ResultMeta) => void
  readonly onError: (error: Error) => void
}

/** A subscription to begin or to end. */
interface Turn {
  readonly key: string
  readonly on: boolean
}

class RedisBackend implements Backend {
  readonly name = 'redis'
  readonly isShared = true
  readonly url: string
  readonly #commands: Redis
  readonly #options: BackendOptions
  readonly #keys: Keys
  readonly #watchers = new Map<string, Set<Watcher>>()
  /** By key; those who watch the same task wait for the same subscription. */
  readonly #subscriptions = new Map<string, Promise<unknown>>()
  readonly #store: (key: string, text: string, expires: number) => Promise<unknown>
  readonly #end: (...keysAndArguments: (string | number)[]) => Promise<string[] | null>
  readonly #subscriber: Once<Redis>
  #isClosed = false
  /** Whoever gets a group waits for each of its members: their subscriptions and looks go together. */
  readonly #get = batched((keys: readonly string[]) => this.#attempt(this.#commands.mget(...keys)))
  readonly #turn = batched((turns: readonly Turn[]) => this.#turnAll(turns))

  constructor(url: string, commands: Redis, connect: () => Promise<Redis>, options: BackendOptions) {
    this.url = maskUrl(url)
    this.#commands = commands
    this.#options = options
    this.#keys = new Keys(options.globalKeyprefix)
    this.#subscriber = new Once(() => this.#openSubscriber(connect))
    commands.defineCommand('celeryStore', { numberOfKeys: 1, lua: store })
    this.#store = Reflect.get(commands, 'celeryStore').bind(commands)
    commands.defineCommand('celeryChordEnd', { numberOfKeys: 4, lua: end })
    this.#end = Reflect.get(commands, 'celeryChordEnd').bind(commands)
  }

  async store(meta: ResultMeta): Promise<void> {
    const text = dumps(meta)
    await this.#persist(() => this.#store(this.#keys.meta(meta.task_id), text, this.#expires))
  }

  async get(taskId: string): Promise<ResultMeta | undefined> {
    const text = await this.#get(this.#keys.meta(taskId))
    return text === null ? undefined : parse(taskId, text)
  }

  async watch(taskId: string, onMeta: Watcher['onMeta'], onError: Watcher['onError'] = () => {}): Promise<() => void> {
    const key = this.#keys.meta(taskId)
    const watcher = { onMeta, onError }
    const watchers = this.#watchers.get(key) ?? new Set()
    this.#watchers.set(key, watchers.add(watcher))
    try {
      await this.#subscribe(key)
      // Subscribed first, looked second: nothing falls between.
      const meta = await this.get(taskId)
      if (meta) onMeta(meta)
    } catch (error) {
      this.#unwatch(key, watcher)
      throw error
    }
    return () => this.#unwatch(key, watcher)
  }

  #unwatch(key: string, watcher: Watcher): void {
    const watchers = this.#watchers.get(key)
    if (!watchers?.delete(watcher) || watchers.size > 0) return
    this.#watchers.delete(key)
    this.#subscriptions.delete(key)
    this.#turn({ key, on: false }).catch(() => {})
  }

  #subscribe(key: string): Promise<unknown> {
    const known = this.#subscriptions.get(key)
    if (known) return known
    const subscribing = this.#turn({ key, on: true })
    this.#subscriptions.set(key, subscribing)
    subscribing.catch(() => this.#subscriptions.delete(key))
    return subscribing
  }

  /** Whoever asks last for a key has it as it was asked for. */
  async #turnAll(turns: readonly Turn[]): Promise<readonly unknown[]> {
    // Asked for a turn of the event loop ago: nobody would end a connection that begins now.
    if (this.#isClosed) throw new CeleryError('BACKEND_UNREACHABLE', `${this.url} was closed`)
    const last = [...new Map(turns.map((turn) => [turn.key, turn])).values()]
    const keys = (wanted: boolean) => last.filter(({ on }) => on === wanted).map(({ key }) => key)
    const [on, off] = [keys(true), keys(false)]
    // To be left, nothing needs to be joined.
    if (on.length === 0 && !this.#subscriber.isMade) return turns
    const subscriber = await this.#attempt(this.#subscriber.get())
    if (on.length > 0) await this.#attempt(subscriber.subscribe(...on))
    if (off.length > 0) await this.#attempt(subscriber.unsubscribe(...off))
    return turns
  }

  async #openSubscriber(connect: () => Promise<Redis>): Promise<Redis> {
    const subscriber = await connect()
    subscriber.on('message', (key: string, text: string) => this.#tell(key, text))
    // What was published while a connection was down is looked up; either may be the last to be back.
    for (const connection of [subscriber, this.#commands]) connection.on('ready', () => this.#lookAgain())
    return subscriber
  }

  #lookAgain(): void {
    for (const key of this.#watchers.keys()) {
      this.#get(key).then(
        (text) => text && this.#tell(key, text),
        () => {},
      )
    }
  }

  #tell(key: string, text: string): void {
    const watchers = this.#watchers.get(key) ?? []
    try {
      const meta = parse(key, text)
      for (const { onMeta } of watchers) onMeta(meta)
    } catch (error) {
      for (const { onError } of watchers) onError(error as Error)
    }
  }

  async forget(taskId: string): Promise<void> {
    await this.#attempt(this.#commands.del(this.#keys.meta(taskId)))
  }

  /** As Celery keeps them: `{"result": [[id, parent], members]}`. */
  readonly groups: GroupStore = {
    save: async (groupId, tuple) => {
      const text = dumps({ result: tuple })
      const key = this.#keys.group(groupId)
      await this.#attempt(
        this.#expires ? this.#commands.setex(key, this.#expires, text) : this.#commands.set(key, text),
      )
    },
    restore: async (groupId) => {
      const text = await this.#persist(() => this.#commands.get(this.#keys.group(groupId)))
      return text === null ? undefined : (loads(text) as { result: ResultTuple }).result
    },
    delete: async (groupId) => void (await this.#attempt(this.#commands.del(this.#keys.group(groupId)))),
  }

  readonly chords: ChordStore = {
    expect: async (groupId, size, header) => {
      if (isNested(header)) await this.groups.save(groupId, header)
      const [, , key] = this.#keys.chord(groupId)
      await this.#attempt(
        this.#expires ? this.#commands.setex(key, this.#expires, size) : this.#commands.set(key, size),
      )
    },
    extend: async (groupId, by) => {
      const [, added] = this.#keys.chord(groupId)
      await this.#attempt(this.#commands.incrby(added, by))
      if (this.#expires) await this.#attempt(this.#commands.expire(added, this.#expires))
    },
    end: async (groupId, { id, index, state, result }) => {
      // Text for text what Python writes, which counts texts.
      const member = `[1, ${dumps(id)}, ${dumps(state)}, ${dumps(result)}]`
      const ends = await this.#persist(() =>
        this.#end(...this.#keys.chord(groupId), member, index ?? '+inf', id, this.#expires),
      )
      return ends?.map(parseMember)
    },
    forget: async (groupId) => void (await this.#persist(() => this.#commands.del(...this.#keys.chord(groupId)))),
  }

  /** Seconds; 0 keeps for ever. */
  get #expires(): number {
    return Math.trunc(this.#options.resultExpires)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#watchers.clear()
    hangUp(this.#commands)
    await this.#subscriber.release(hangUp)
  }

  /** What a task has done shall be kept, also when Redis is away for a moment. */
  #persist<T>(command: () => Promise<T>): Promise<T> {
    return persist(() => this.#attempt(command()), this.#options.clock, storePolicy)
  }

  async #attempt<T>(command: Promise<T>): Promise<T> {
    try {
      return await command
    } catch (cause) {
      throw cause instanceof CeleryError ? cause : connectionError(this.url, cause, 'BACKEND_UNREACHABLE')
    }
  }
}

/** @throws {CeleryError} DECODE_ERROR */
function parse(whose: string, text: string): ResultMeta {
  let cause: unknown
  try {
    const meta = parseResultMeta(loads(text))
    if (meta) return meta
  } catch (error) {
    cause = error
  }
  const next = 'Let every worker keep results as JSON (result_serializer).'
  throw new CeleryError('DECODE_ERROR', `what is stored for ${whose} is no result in JSON`, { cause, next })
}

/** `[1, id, state, result]`, as Celery writes it. */
function parseMember(text: string, index: number): ChordMember {
  const [, id, state, result] = loads(text) as [number, string, State, unknown]
  return { id, index, state, result }
}
