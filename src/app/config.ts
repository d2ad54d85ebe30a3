import { closestMatch } from 'leven'
import { CeleryError } from '../errors.ts'
import type { ExchangeType, Queue } from '../protocol/entity.ts'
import type { TaskRoutes } from './router.ts'

/**
 * Celery's settings, in camelCase; `task_default_queue` and the other lower-case names are accepted too. Times are
 * seconds, as in Celery.
 */
export interface Settings {
  /** Where messages go. The environment's CELERY_BROKER_URL wins. @default 'amqp://guest:guest@127.0.0.1:5672//' */
  readonly brokerUrl: string
  /** Where results are kept; null keeps none. The environment's CELERY_RESULT_BACKEND wins. @default null */
  readonly resultBackend: string | null
  /** Modules that define tasks: paths or globs, relative to the app's file. @default [] */
  readonly include: readonly string[]
  /** Content types a worker reads. @default ['json'] */
  readonly acceptContent: readonly string[]
  /** `json`, `yaml` or `msgpack`. @default 'json' */
  readonly taskSerializer: string
  /** `gzip`, `brotli`, `zstd`, or none. @default null */
  readonly taskCompression: string | null
  /** @default 'celery' */
  readonly taskDefaultQueue: string
  /** Exchange of the default queue. @default the queue's name */
  readonly taskDefaultExchange: string | null
  /** @default 'direct' */
  readonly taskDefaultExchangeType: ExchangeType
  /** @default the default queue's name */
  readonly taskDefaultRoutingKey: string | null
  /** What a worker serves when it is not told, by name or from `queue()` and `broadcast()`. @default [taskDefaultQueue] */
  readonly taskQueues: readonly (string | Queue)[] | null
  /** Make queues that are asked for by name and not declared. @default true */
  readonly taskCreateMissingQueues: boolean
  /** RabbitMQ: the highest priority of queues that do not say it themselves. @default null */
  readonly taskQueueMaxPriority: number | null
  /** Each worker also serves a queue of its own, `<hostname>.dq2`. @default false */
  readonly workerDirect: boolean
  /** Where tasks go, by name, glob, regular expression or function. @default {} */
  readonly taskRoutes: TaskRoutes
  /** @default 0 */
  readonly taskDefaultPriority: number
  /** Runs of each task a worker may begin: `'100/m'`, `'10/s'`. @default null */
  readonly taskDefaultRateLimit: string | number | null
  /** Store no results, unless a task or a call says otherwise. @default false */
  readonly taskIgnoreResult: boolean
  /** Store errors even of tasks whose results are ignored. @default false */
  readonly taskStoreErrorsEvenIfIgnored: boolean
  /** Store STARTED when a task begins. @default false */
  readonly taskTrackStarted: boolean
  /** Acknowledge after the task ran, not before. @default false */
  readonly taskAcksLate: boolean
  /** Tell monitors of each sending. @default false */
  readonly taskSendSentEvent: boolean
  /** Try again to publish while the broker is away: at most this often. @default 3 */
  readonly taskPublishRetries: number
  /** Seconds a result is kept. @default 86400 */
  readonly resultExpires: number
  /** rpc: results survive a restart of the broker. @default false */
  readonly resultPersistent: boolean
  /** Keep name, arguments, worker and retries with each result. @default false */
  readonly resultExtended: boolean
  /** Tasks running at one time. @default the number of processors */
  readonly workerConcurrency: number | null
  /** Messages reserved ahead, as a multiple of the concurrency; 0 for no limit. @default 4 */
  readonly workerPrefetchMultiplier: number
  /** @default false */
  readonly workerDisableRateLimits: boolean
  /** Send task events from the start (`-E`). @default false */
  readonly workerSendTaskEvents: boolean
  /** Seconds to wait for a connection. @default 4 */
  readonly brokerConnectionTimeout: number
  /** @default true */
  readonly brokerConnectionRetryOnStartup: boolean
  /** Attempts to reconnect; null for no limit. @default 100 */
  readonly brokerConnectionMaxRetries: number | null
  /** What only one transport knows. @default { visibilityTimeout: 3600 } */
  readonly brokerTransportOptions: BrokerTransportOptions
}

export interface BrokerTransportOptions {
  /** Redis: seconds after which a message that nobody acknowledged goes to another worker. */
  readonly visibilityTimeout?: number
}

type Kind =
  | 'routes'
  | 'queues or null'
  | 'rate or null'
  | 'text'
  | 'text or null'
  | 'texts'
  | 'number'
  | 'number or null'
  | 'boolean'
  | 'object'

/** Every setting: its default and what it takes. */
const table: { readonly [Name in keyof Settings]: readonly [Settings[Name], Kind] } = {
  brokerUrl: ['amqp://guest:guest@127.0.0.1:5672//', 'text'],
  resultBackend: [null, 'text or null'],
  include: [[], 'texts'],
  acceptContent: [['json'], 'texts'],
  taskSerializer: ['json', 'text'],
  taskCompression: [null, 'text or null'],
  taskDefaultQueue: ['celery', 'text'],
  taskDefaultExchange: [null, 'text or null'],
  taskDefaultExchangeType: ['direct', 'text'],
  taskDefaultRoutingKey: [null, 'text or null'],
  taskQueues: [null, 'queues or null'],
  taskCreateMissingQueues: [true, 'boolean'],
  taskQueueMaxPriority: [null, 'number or null'],
  workerDirect: [false, 'boolean'],
  taskRoutes: [{}, 'routes'],
  taskDefaultPriority: [0, 'number'],
  taskDefaultRateLimit: [null, 'rate or null'],
  taskIgnoreResult: [false, 'boolean'],
  taskStoreErrorsEvenIfIgnored: [false, 'boolean'],
  taskTrackStarted: [false, 'boolean'],
  taskAcksLate: [false, 'boolean'],
  taskSendSentEvent: [false, 'boolean'],
  taskPublishRetries: [3, 'number'],
  resultExpires: [86_400, 'number'],
  resultPersistent: [false, 'boolean'],
  resultExtended: [false, 'boolean'],
  workerConcurrency: [null, 'number or null'],
  workerPrefetchMultiplier: [4, 'number'],
  workerDisableRateLimits: [false, 'boolean'],
  workerSendTaskEvents: [false, 'boolean'],
  brokerConnectionTimeout: [4, 'number'],
  brokerConnectionRetryOnStartup: [true, 'boolean'],
  brokerConnectionMaxRetries: [100, 'number or null'],
  brokerTransportOptions: [{ visibilityTimeout: 3_600 }, 'object'],
}

const environmentNames = { brokerUrl: 'CELERY_BROKER_URL', resultBackend: 'CELERY_RESULT_BACKEND' } as const

/**
 * Checks and completes settings, once; the result is frozen.
 *
 * @throws {CeleryError} IMPROPERLY_CONFIGURED naming the setting, what it is and what it must be
 */
export function configure(
  given: Partial<Settings> = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Settings {
  const settings: Record<string, unknown> = Object.fromEntries(
    Object.entries(table).map(([name, [value]]) => [name, value]),
  )
  for (const [key, value] of Object.entries(given)) {
    const name = settingName(key)
    if (value !== undefined) settings[name] = checked(name, value)
  }
  for (const [name, variable] of Object.entries(environmentNames)) {
    if (environment[variable]) settings[name] = environment[variable]
  }
  return Object.freeze(settings) as unknown as Settings
}

/**
 * Helps an editor with the settings of a configuration file.
 *
 * @example
 * export default defineConfig({ include: ['./tasks/*.ts'], taskTrackStarted: true })
 */
export function defineConfig(settings: Partial<Settings>): Partial<Settings> {
  return settings
}

function settingName(given: string): keyof Settings {
  const name = given.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  if (Object.hasOwn(table, name)) return name as keyof Settings
  const next = `The nearest setting is '${closestMatch(name, Object.keys(table))}'.`
  throw new CeleryError('IMPROPERLY_CONFIGURED', `there is no setting '${given}'`, { next })
}

const fits: Record<Kind, (value: unknown) => boolean> = {
  routes: (value) => (typeof value === 'object' || typeof value === 'function') && value !== null,
  'queues or null': (value) => value === null || (Array.isArray(value) && value.every(isQueue)),
  'rate or null': (value) => value === null || typeof value === 'number' || typeof value === 'string',
  text: (value) => typeof value === 'string' && value !== '',
  'text or null': (value) => typeof value === 'string' || value === null,
  texts: (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
  number: (value) => typeof value === 'number' && value >= 0,
  'number or null': (value) => value === null || (typeof value === 'number' && value >= 0),
  boolean: (value) => typeof value === 'boolean',
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
}

const isQueue = (value: unknown) =>
  typeof value === 'string' || (typeof value === 'object' && value !== null && 'name' in value)

function checked(name: keyof Settings, value: unknown): unknown {
  const kind = table[name][1]
  if (fits[kind](value)) return value
  const got = JSON.stringify(value) ?? String(value)
  throw new CeleryError('IMPROPERLY_CONFIGURED', `the setting '${name}' must be ${kind}, got ${got}`)
}
