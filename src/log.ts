/** Celery's levels, mildest first; their order is their weight. */
export const logLevels = ['debug', 'info', 'warning', 'error', 'critical'] as const

export type LogLevel = (typeof logLevels)[number]

export interface LogRecord {
  readonly level: LogLevel
  readonly message: string
  /** Epoch milliseconds. */
  readonly time: number
  /** What the line is about: task id, task name, traceback … */
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

/** One line in Celery's `worker_log_format`: `[2026-11-20 09:26:13,796: INFO/MainProcess] message`. */
export function formatLogLine({ level, message, time }: LogRecord, processName = 'MainProcess'): string {
  return `[${localTime(time)}: ${level.toUpperCase()}/${processName}] ${message}`
}

function localTime(epochMs: number): string {
  const d = new Date(epochMs)
  const two = (n: number) => String(n).padStart(2, '0')
  const date = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`
  const time = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
  return `${date} ${time},${String(d.getMilliseconds()).padStart(3, '0')}`
}
