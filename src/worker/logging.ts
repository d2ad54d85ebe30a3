import { appendFileSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { Settings } from '../app/config.ts'
import { CeleryError, messageOf } from '../errors.ts'
import { createLogger, type Logger, type LogLevel, type LogRecord } from '../log.ts'
import { logFormatter, logRecordForPrograms } from '../log-format.ts'
import { nodename, nodePath } from '../nodename.ts'

export interface WorkerLogOptions {
  /** @default 'warning' */
  readonly level?: LogLevel
  /** A file to append to; `%n` is the worker's name, `%h` that with its host. @default stderr */
  readonly logfile?: string
  /** A JSON object a line. @default false */
  readonly json?: boolean
  /** The worker's node name. @default 'celery@%h' */
  readonly hostname?: string
}

/** The settings that say how a log looks. */
export type LogSettings = Pick<Settings, 'workerLogFormat' | 'workerTaskLogFormat' | 'workerLogColor'>

/**
 * A log as `celery worker` writes it, in the formats of the settings.
 *
 * @throws {CeleryError} IMPROPERLY_CONFIGURED for a file that cannot be written
 * @example
 * const worker = new Worker(app, { log: workerLog(app.conf, { level: 'info' }) })
 */
export function workerLog(settings: LogSettings, options: WorkerLogOptions = {}): Logger {
  const { level = 'warning', logfile, json = false } = options
  const hostname = nodename(options.hostname ?? 'celery@%h')
  const isColored = settings.workerLogColor ?? (logfile === undefined && isatty(2))
  const format = json ? toJson(hostname) : workerLogFormatter(settings, isColored)
  // Opened anew for each line: it may be moved away at any time, and what was written is there if the process dies.
  const path = logfile && nodePath(logfile, hostname)
  if (path) appendTo(path, '')
  const write = path ? (line: string) => appendFileSync(path, line) : (line: string) => process.stderr.write(line)
  return createLogger((record) => write(`${format(record)}\n`), level)
}

function appendTo(path: string, text: string): void {
  try {
    appendFileSync(path, text)
  } catch (cause) {
    const next = 'Name a file in a directory that is there: --logfile.'
    throw new CeleryError('IMPROPERLY_CONFIGURED', `the log cannot be written: ${messageOf(cause)}`, { cause, next })
  }
}

/** How the records of a worker read, by its settings. */
export function workerLogFormatter(settings: LogSettings, isColored: boolean): (record: LogRecord) => string {
  const { workerLogFormat: format, workerTaskLogFormat: taskFormat } = settings
  return logFormatter({ format, taskFormat, isColored })
}

const toJson = (hostname: string) => (record: LogRecord) => JSON.stringify(logRecordForPrograms(record, hostname))
