import {
  type Celery,
  createLogger,
  type Logger,
  type LogLevel,
  type LogRecord,
  logLevels,
  logRecordForPrograms,
  parseLogLevel,
  type WorkerLogOptions,
  workerLog,
  workerLogFormatter,
} from '../src/index.ts'
import { text } from './command.ts'
import type { Context } from './context.ts'
import { CliError } from './errors.ts'
import { sanitize } from './output/sanitize.ts'

/** What a command tells that stays: how it begins, and its log. */
export type LogEvent =
  | { type: 'banner'; banner: string }
  /** With the record as data for programs, as text for people. */
  | { type: 'log'; line?: string }

export const logText = (event: LogEvent): string | undefined =>
  event.type === 'banner' ? sanitize(event.banner) : event.line

export const loglevelOption = text('-l, --loglevel <level>', `${logLevels.join(', ')} (default: warning)`)

/** @throws {CliError} USAGE */
export function levelNamed(name: string): LogLevel {
  const level = parseLogLevel(name)
  if (level) return level
  throw new CliError('USAGE', `no such log level: '${name}'; there are ${logLevels.join(', ')}`)
}

export interface CommandLogOptions {
  readonly level: LogLevel
  /** Instead of telling it. */
  readonly logfile: string | undefined
  /** The node that speaks. */
  readonly hostname: string
}

/** The log of a node, in the formats of its app: told, or in a file. */
export function commandLog(
  app: Celery,
  { level, logfile, hostname }: CommandLogOptions,
  context: Context,
  push: (event: LogEvent) => void,
): Logger {
  if (logfile !== undefined) return fileLog(app, { level, logfile, hostname, json: context.mode === 'json' })
  const tell = teller(app, hostname, context)
  return createLogger((record) => push(tell(record)), level)
}

/** How a record is told: as data or as a line, clean of what could steer a terminal. */
function teller({ conf }: Celery, hostname: string, { mode, isColored }: Context): (record: LogRecord) => LogEvent {
  if (mode === 'json') return (record) => ({ type: 'log', ...logRecordForPrograms(record, hostname) })
  const format = workerLogFormatter(conf, conf.workerLogColor ?? isColored)
  return (record) => ({ type: 'log', line: format(clean(record)) })
}

/** The log in a file, which is shown on a terminal one day. */
function fileLog({ conf }: Celery, options: WorkerLogOptions): Logger {
  const log = workerLog(conf, options)
  if (options.json) return log
  return createLogger((record) => {
    const { level, message, fields } = clean(record)
    log[level](message, fields)
  }, options.level)
}

function clean({ fields, ...record }: LogRecord): LogRecord {
  const { traceback } = fields
  const shown = typeof traceback === 'string' ? { ...fields, traceback: sanitize(traceback) } : fields
  // A name in a message may hold line ends: what follows them must not look like a line of the log.
  return { ...record, message: sanitize(record.message).replaceAll('\n', '\n    '), fields: shown }
}
