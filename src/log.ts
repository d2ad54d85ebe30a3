/** Celery's levels, mildest first; their order is their weight. */
export const logLevels = ['debug', 'info', 'warning', 'error', 'critical'] as const

export type LogLevel = (typeof logLevels)[number]

export interface LogRecord {
  readonly level: LogLevel
  readonly message: string
  /** Epoch milliseconds. */
  readonly time: number
  /** What the line is about: `logger` (Celery's name for where it comes from), `taskId`, `taskName`, `traceback` … */
  readonly fields: Readonly<Record<string, unknown>>
}

type Log = (message: string, fields?: Record<string, unknown>) => void

/** The port through which everything here speaks; where the lines go is the caller's choice. */
export type Logger = Readonly<Record<LogLevel, Log>>

/** A logger that hands every record at or above `level` to `write`. */
export function createLogger(write: (record: LogRecord) => void, level: LogLevel = 'info'): Logger {
  const threshold = logLevels.indexOf(level)
  const entries = logLevels.map((name, weight): [LogLevel, Log] => [
    name,
    (message, fields = {}) => {
      if (weight >= threshold) write({ level: name, message, time: Date.now(), fields })
    },
  ])
  return Object.freeze(Object.fromEntries(entries)) as Logger
}

/** Says nothing. */
export const silentLogger: Logger = createLogger(() => {}, 'critical')

/** `--loglevel` as people write it: any case, `WARN` and `FATAL` as Python takes them; undefined when unknown. */
export function parseLogLevel(text: string): LogLevel | undefined {
  const name = text.toLowerCase()
  const alias = { warn: 'warning', fatal: 'critical' }[name]
  return logLevels.find((level) => level === (alias ?? name))
}

/** The same log, whose lines carry more: which task they are about, for example. */
export function withFields(log: Logger, more: Readonly<Record<string, unknown>>): Logger {
  const entries = logLevels.map((level): [LogLevel, Log] => [
    level,
    (message, fields = {}) => log[level](message, { ...more, ...fields }),
  ])
  return Object.freeze(Object.fromEntries(entries)) as Logger
}
