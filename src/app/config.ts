import { defaultLogFormat, defaultTaskLogFormat } from '../log-format.ts'
import { exchangeTypes, queueTypes } from '../protocol/entity.ts'
import { driverDefaults } from '../transport/open.ts'
import { queueOrderStrategies } from '../transport/transport.ts'
import {
  addresses,
  amount,
  annotations,
  anyText,
  count,
  deliveryMode,
  flag,
  type Group,
  group,
  logLevel,
  numbers,
  oneOf,
  orNull,
  queues,
  rate,
  routes,
  type Setting,
  seconds,
  setting,
  text,
  texts,
  timezone,
  type ValuesOf,
} from './config/kinds.ts'
import { beatSchedule } from './periodic.ts'

/**
 * Every setting that acts here: what it holds and its default. {@link Settings}, the checks and the accepted spellings
 * follow from it. Times are seconds, as in Celery.
 */
export const settingsTable = {
  /** Where messages go. The environment's CELERY_BROKER_URL wins. */
  brokerUrl: addresses('amqp://guest:guest@127.0.0.1:5672//'),
  /** Where results are kept; null keeps none. The environment's CELERY_RESULT_BACKEND wins. */
  resultBackend: setting(orNull(text), null),
  /** Modules that define tasks: paths or globs, relative to the app's file. */
  include: setting(texts, []),
  /** More of them; loaded before `include`. */
  imports: setting(texts, []),
  /** Content types a worker reads: names of serializers. */
  acceptContent: setting(texts, ['json']),

  /** `json`, `yaml` or `msgpack`. */
  taskSerializer: setting(text, 'json'),
  /** `gzip`, `brotli`, `zstd`, or none. */
  taskCompression: setting(orNull(text), null),
  /** The queue of tasks that no route and no option sends elsewhere. */
  taskDefaultQueue: setting(text, 'celery'),
  /** Exchange of the default queue; null for one of the queue's name. */
  taskDefaultExchange: setting(orNull(text), null),
  /** `direct`, `topic`, `fanout` or `headers`. */
  taskDefaultExchangeType: setting(oneOf(exchangeTypes), 'direct'),
  /** Null for the default queue's name. */
  taskDefaultRoutingKey: setting(orNull(text), null),
  /** What a worker serves when it is not told, by name or from `queue()` and `broadcast()`; null for the default queue. */
  taskQueues: setting(orNull(queues), null),
  /** Make queues that are asked for by name and not declared. */
  taskCreateMissingQueues: setting(flag, true),
  /** RabbitMQ: the highest priority of queues that do not say it themselves. */
  taskQueueMaxPriority: setting(orNull(count), null),
  /** Where tasks go, by name, glob, regular expression or function. */
  taskRoutes: setting(routes, {}),
  /** Whether messages survive a restart of RabbitMQ: 1 (or `transient`), 2 (or `persistent`). */
  taskDefaultDeliveryMode: setting(deliveryMode, 2),
  /** Options of tasks, over their own: by name, `*` for all, or by a function. Given before the tasks are defined. */
  taskAnnotations: setting(orNull(annotations), null),
  /** 0 to 9; what a higher one means is the broker's affair. */
  taskDefaultPriority: setting(count, 0),
  /** A call made by a task takes the priority of that task, unless it has its own. */
  taskInheritParentPriority: setting(flag, false),
  /** Runs of each task a worker may begin: `'100/m'`, `'10/s'`, a number a second; null for no limit. */
  taskDefaultRateLimit: setting(orNull(rate), null),
  /** Run tasks in their caller instead of sending them: for tests. */
  taskAlwaysEager: setting(flag, false),
  /** With it: calls reject with what the task throws. */
  taskEagerPropagates: setting(flag, false),
  /** With it: results are stored as well. */
  taskStoreEagerResult: setting(flag, false),
  /** Store no results, unless a task or a call says otherwise. */
  taskIgnoreResult: setting(flag, false),
  /** Store errors even of tasks whose results are ignored. */
  taskStoreErrorsEvenIfIgnored: setting(flag, false),
  /** Store STARTED when a task begins. */
  taskTrackStarted: setting(flag, false),
  /** Acknowledge after the task ran, not before. */
  taskAcksLate: setting(flag, false),
  /** With late acknowledgement: acknowledge also what failed or ran out of time. */
  taskAcksOnFailureOrTimeout: setting(flag, true),
  /** With late acknowledgement: run a task again when the child that ran it died. */
  taskRejectOnWorkerLost: setting(flag, false),
  /** Deliveries after which such a task has failed and its message is put aside, as it would kill every child. */
  taskDeliveryLimit: setting(count, 20),
  /** Seconds until a task is ended; null for no limit. */
  taskTimeLimit: setting(orNull(seconds), null),
  /** Seconds until a task is asked to end; null for no limit. */
  taskSoftTimeLimit: setting(orNull(seconds), null),
  /** Tell monitors of each sending. */
  taskSendSentEvent: setting(flag, false),
  /** Try again to publish while the broker is away, as taskPublishRetryPolicy says. */
  taskPublishRetry: setting(flag, true),
  /** How often and how soon. */
  taskPublishRetryPolicy: group({
    /** Attempts after the first; null for no limit. */
    maxRetries: setting(orNull(count), 3),
    /** Seconds before the second attempt. */
    intervalStart: setting(seconds, 0),
    /** Seconds added before each further one. */
    intervalStep: setting(seconds, 0.2),
    /** The longest pause. */
    intervalMax: setting(seconds, 1),
  }),

  /** Seconds a result is kept; 0 for ever. */
  resultExpires: setting(seconds, 86_400),
  /** rpc: results survive a restart of the broker. */
  resultPersistent: setting(flag, false),
  /** Keep name, arguments, worker and retries with each result. */
  resultExtended: setting(flag, false),
  /** Seconds to wait for the values of a chord's header, when all of it has ended. */
  resultChordJoinTimeout: setting(seconds, 3),
  /** Seconds between two looks at a chord, where a database keeps the results. */
  resultChordRetryInterval: setting(seconds, 1),
  /** What only one result backend knows. */
  resultBackendTransportOptions: group({
    /** Redis: what the name of every key begins with. */
    globalKeyprefix: setting(anyText, ''),
    /** Sentinel: the name of the master. */
    masterName: setting(orNull(text), null),
  }),
  /** Redis: seconds between questions whether a connection to the results still lives. */
  redisBackendHealthCheckInterval: setting(seconds, driverDefaults.healthCheckInterval),

  /** Tasks running at one time; null for the number of processors. */
  workerConcurrency: setting(orNull(count), null),
  /** File in which revoked ids outlive the worker (`--statedb`); `%n` is the worker. Null for none. */
  workerStateDb: setting(orNull(text), null),
  /** Where tasks run: `async`, `solo`, `prefork` or `threads`. */
  workerPool: setting(text, 'async'),
  /** Tasks after which a child of the pool is replaced by a new one; null for no limit. */
  workerMaxTasksPerChild: setting(orNull(count), null),
  /** KiB of memory after which a child of the pool is replaced by a new one; null for no limit. */
  workerMaxMemoryPerChild: setting(orNull(count), null),
  /** Seconds that running tasks have before a cold shutdown cuts them off. */
  workerSoftShutdownTimeout: setting(seconds, 0),
  /** Wait that long also when nothing runs. */
  workerEnableSoftShutdownOnIdle: setting(flag, false),
  /** Let remote control restart the pool (`pool_restart`). */
  workerPoolRestarts: setting(flag, false),
  /** Messages reserved ahead, as a multiple of the concurrency; 0 for no limit. */
  workerPrefetchMultiplier: setting(amount, 4),
  /** Pass over all rate limits. */
  workerDisableRateLimits: setting(flag, false),
  /** Each worker also serves a queue of its own, `<hostname>.dq2`. */
  workerDirect: setting(flag, false),
  /** Send task events from the start (`-E`). */
  workerSendTaskEvents: setting(flag, false),
  /** How lines of the log read, in the language of Python's logging. */
  workerLogFormat: setting(text, defaultLogFormat),
  /** How lines read that a task writes with `self.log`. */
  workerTaskLogFormat: setting(text, defaultTaskLogFormat),
  /** Colours in the log; null for where a person reads it. */
  workerLogColor: setting(orNull(flag), null),
  /** What tasks print with `console` goes to the log of `celery-sandbox worker`. */
  workerRedirectStdouts: setting(flag, true),
  /** The level of such lines. */
  workerRedirectStdoutsLevel: setting(logLevel, 'WARNING'),
  /** Listen to commands (inspect, revoke, shutdown …). */
  workerEnableRemoteControl: setting(flag, true),

  /** The zone of schedules, an IANA name; null for UTC, or with `enableUtc: false` for that of this machine. Messages are in UTC. */
  timezone: setting(orNull(timezone), null),
  /** See `timezone`. */
  enableUtc: setting(flag, true),
  /** What beat sends, by name. */
  beatSchedule,
  /** Where beat keeps the last runs: `file`, `memory`, `redis` or the address of one (`redis://…`). */
  beatScheduler: setting(text, 'file'),
  /** The file of the last runs. */
  beatScheduleFilename: setting(text, 'celerybeat-schedule.json'),
  /** Seconds after which beat looks at every schedule again; 0 for 300. */
  beatMaxLoopInterval: setting(seconds, 300),
  /** Runs after which the last ones are written down; 0 or 1 after each. */
  beatSyncEvery: setting(count, 0),
  /** Seconds after which a run of a crontab that was missed is let go; null for never. */
  beatCronStartingDeadline: setting(orNull(seconds), null),

  /** Seconds to wait for a connection. */
  brokerConnectionTimeout: setting(seconds, 4),
  /** A worker that finds no broker when it starts waits for it. */
  brokerConnectionRetryOnStartup: setting(flag, true),
  /** Attempts to reconnect; null for no limit. */
  brokerConnectionMaxRetries: setting(orNull(count), 100),
  /** Of the queues in which RabbitMQ holds messages for later: `quorum` or `classic`. */
  brokerNativeDelayedDeliveryQueueType: setting(oneOf(queueTypes), 'quorum'),
  /** What only one transport knows. */
  brokerTransportOptions: group({
    /** Redis: seconds after which a message that nobody acknowledged goes to another worker. */
    visibilityTimeout: setting(seconds, driverDefaults.visibilityTimeout),
    /** Redis: what the name of every key and channel begins with. */
    globalKeyprefix: setting(anyText, driverDefaults.globalKeyprefix),
    /** Redis: stands between a queue's name and its priority step. */
    sep: setting(text, driverDefaults.sep),
    /** Redis: the priorities that have a list of their own. */
    prioritySteps: setting(numbers, driverDefaults.prioritySteps),
    /** Redis: which of several queues is looked at first: `round_robin`, `sorted` or `priority`. */
    queueOrderStrategy: setting(oneOf(queueOrderStrategies), driverDefaults.queueOrderStrategy),
    /** Redis: fanout channels begin with the number of the database. */
    fanoutPrefix: setting(flag, driverDefaults.fanoutPrefix),
    /** Redis: fanout channels end with the routing key. */
    fanoutPatterns: setting(flag, driverDefaults.fanoutPatterns),
    /** Redis: seconds between questions whether the connection still lives. */
    healthCheckInterval: setting(seconds, driverDefaults.healthCheckInterval),
    /** Sentinel: the name of the master. */
    masterName: setting(orNull(text), driverDefaults.masterName),
    /** AMQP: a message counts as sent when the broker has it, not when it was written to the socket. */
    confirmPublish: setting(flag, driverDefaults.confirmPublish),
    /** AMQP: seconds to wait for the broker to take a message. */
    confirmTimeout: setting(seconds, driverDefaults.confirmTimeout),
    /** RabbitMQ: the port of its management plugin, which `list bindings` asks. */
    managerPort: setting(count, driverDefaults.managerPort),
  }),
}

/** The settings of an app, complete. */
export type Settings = ValuesOf<typeof settingsTable>

/** Settings as people give them: what differs from the defaults. */
export type GivenSettings = {
  readonly [Name in keyof Settings]?: (typeof settingsTable)[Name] extends Group<infer Parts>
    ? Partial<ValuesOf<Parts>>
    : (typeof settingsTable)[Name] extends Setting<unknown, infer Given>
      ? Given
      : never
}

export type BrokerTransportOptions = Settings['brokerTransportOptions']

/**
 * Helps an editor with the settings of a configuration file.
 *
 * @example
 * export default defineConfig({ include: ['./tasks/*.ts'], taskTrackStarted: true })
 */
export function defineConfig(settings: GivenSettings): GivenSettings {
  return settings
}
