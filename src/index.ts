export type { AnnotationFunction, AnnotationMap, TaskAnnotations } from './app/annotations.ts'
export { type AppOptions, type ConfigSource, isApp, type SendOptions } from './app/app.ts'
export { bugReport } from './app/bug-report.ts'
export type { CommandOptions, ControlledWorker } from './app/commands.ts'
export { humanize, settingsForPeople } from './app/config/humanize.ts'
export {
  type BrokerTransportOptions,
  defineConfig,
  type GivenSettings,
  type Settings,
  settingsTable,
} from './app/config.ts'
export type { TaskContext, TaskRequest } from './app/context.ts'
export {
  ChordError,
  Ignore,
  MaxRetriesExceededError,
  Reject,
  Retry,
  type RetryOptions,
  SoftTimeLimitExceeded,
  Terminated,
} from './app/exceptions.ts'
export { type LoadedApp, loadApp } from './app/load.ts'
export { ArgumentsError, describeParameters, type Parameters } from './app/parameters.ts'
export type { BeatSchedule, Entry, PeriodicOptions, PeriodicTask } from './app/periodic.ts'
export { broadcast, type QueueOptions, queue, workerDirect } from './app/queues.ts'
export type { RouteFunction, RouteOptions, TaskRoutes } from './app/router.ts'
export type { SignalHandler, SignalSender } from './app/signal.ts'
export type { Signals } from './app/signals.ts'
export type { StandardSchemaV1 } from './app/standard-schema.ts'
export { type ApplyOptions, shortName, type Task, type TaskOptions } from './app/task.ts'
export type { Backend } from './backend/backend.ts'
export { openBackend } from './backend/open.ts'
export { Beat, type BeatOptions } from './beat/beat.ts'
export { embedBeat } from './beat/embed.ts'
export type { Run, ScheduleStore, Stored } from './beat/store.ts'
export type { Call, CallOptions, Canvas, Chain, Chord, Group } from './canvas/canvas.ts'
export {
  chain,
  chord,
  chunks,
  type GroupSignature,
  group,
  map,
  type Signature,
  signature,
  signatureFromJSON,
  starmap,
} from './canvas/signature.ts'
export type { Stamping, StampingVisitor, Stamps } from './canvas/stamp.ts'
export { Celery } from './celery.ts'
export { type Clock, ManualClock, sleep, systemClock, type Timer } from './clock.ts'
export { type CommandDescription, readWords } from './control/command.ts'
export type { ConsumerOptions, Control, ControlOptions, InspectOptions, Said } from './control/control.ts'
export type { Inspect, QueueInfo, Replies, RequestInfo, ScheduledInfo, TaskPlace } from './control/inspect.ts'
export { createEmbeddedBroker, type EmbeddedBroker, type EmbeddedBrokerOptions } from './embedded/broker.ts'
export { CeleryError, type ErrorCode, errorCodes, messageOf } from './errors.ts'
export {
  type Change,
  Cluster,
  type ClusterOptions,
  type ClusterTask,
  type ClusterWorker,
  isAlive,
} from './events/cluster.ts'
export type { EventHandler, EventHandlers, Events, ReceiveOptions } from './events/events.ts'
export type { ReceivedEvent } from './events/receiver.ts'
export {
  createLogger,
  type Logger,
  type LogLevel,
  type LogRecord,
  logLevels,
  parseLogLevel,
  silentLogger,
} from './log.ts'
export { type LogFormats, logFormatter, logRecordForPrograms } from './log-format.ts'
export { hostName, nodename, nodePath } from './nodename.ts'
export { poolNames } from './pool/choose.ts'
export { processStart } from './process-start.ts'
export { type Exchange, type ExchangeType, exchange, type Queue } from './protocol/entity.ts'
export type { Event } from './protocol/event.ts'
export {
  describeException,
  type ErrorClass,
  type ErrorClasses,
  type ExceptionInfo,
  parseExceptionInfo,
  RemoteError,
} from './protocol/exception.ts'
export { repr } from './protocol/repr.ts'
export type { ResultMeta } from './protocol/result-meta.ts'
export { type State, states } from './protocol/states.ts'
export { decodeTask, type TaskMessage } from './protocol/task-message.ts'
export { AsyncResult, PendingResult } from './result/async-result.ts'
export { EagerResult } from './result/eager-result.ts'
export { type GraphNode, graphOf, ResultGraph } from './result/graph.ts'
export { GroupResult, ResultSet } from './result/group-result.ts'
export { type GetOptions, type Result, type RevokeOptions, TimeoutError } from './result/result.ts'
export { type CrontabFields, crontab } from './schedule/crontab.ts'
export { type Duration, schedule } from './schedule/interval.ts'
export type { Due, Moment, Schedule } from './schedule/schedule.ts'
export { type SolarEvent, solar } from './schedule/solar.ts'
export type { Service } from './service.ts'
export { redirectConsole } from './trace/redirect.ts'
export { survive } from './trace/stray.ts'
export { openTransport } from './transport/open.ts'
export type { Binding, DeadLetter, FoundMessage, Transport } from './transport/transport.ts'
export { maskUrl, parseUrl, type ServiceUrl } from './url.ts'
export { version } from './version.ts'
export { type WorkerLogOptions, workerLog, workerLogFormatter } from './worker/logging.ts'
export { remoteCommands } from './worker/panel/panel.ts'
export { escalate, type ShutdownLevel } from './worker/shutdown.ts'
export { Worker, type WorkerOptions } from './worker/worker.ts'
