import { styleText } from 'node:util'
import { CeleryError } from './errors.ts'
import { type LogLevel, type LogRecord, logLevels } from './log.ts'

/** Celery's formats: the settings `workerLogFormat` and `workerTaskLogFormat`. */
export const defaultLogFormat = '[%(asctime)s: %(levelname)s/%(processName)s] %(message)s'
export const defaultTaskLogFormat =
  '[%(asctime)s: %(levelname)s/%(processName)s] %(task_name)s[%(task_id)s]: %(message)s'

/** Where lines come from that a task writes with `self.log`; they have a format of their own. */
export const taskLoggerName = 'celery.task'

export interface LogFormats {
  /** @default {@link defaultLogFormat} */
  readonly format?: string
  /** @default {@link defaultTaskLogFormat} */
  readonly taskFormat?: string
  /** Colours by level. @default false */
  readonly isColored?: boolean
}

/**
 * How records read as text, in the language of Python's logging: `%(asctime)s`, `%(levelname)-8s`, `%(message)s` …
 *
 * @throws {CeleryError} IMPROPERLY_CONFIGURED for a placeholder that does not exist
 */
export function logFormatter(formats: LogFormats = {}): (record: LogRecord) => string {
  const { format = defaultLogFormat, taskFormat = defaultTaskLogFormat, isColored = false } = formats
  const plain = template(format)
  const task = template(taskFormat)
  return (record) => {
    const { message, level, fields } = record
    const text = isColored ? colored(level, message) : message
    const line = (fields.logger === taskLoggerName ? task : plain)({ ...record, message: text })
    return typeof fields.traceback === 'string' ? `${line}\n${fields.traceback}` : line
  }
}

/** A record as one flat object, for programs. */
export function logRecordForPrograms({ level, message, time, fields }: LogRecord, hostname: string): object {
  const { logger = 'celery.worker', taskId, taskName, error: _cause, ...others } = fields
  return {
    ts: new Date(time).toISOString(),
    level,
    message,
    logger,
    ...(taskId !== undefined && { taskId, taskName }),
    hostname,
    ...(Object.keys(others).length > 0 && { fields: others }),
  }
}

const attributes: Readonly<Record<string, (record: LogRecord) => string | number>> = {
  asctime: ({ time }) => localTime(time),
  created: ({ time }) => time / 1000,
  levelname: ({ level }) => level.toUpperCase(),
  levelno: ({ level }) => (logLevels.indexOf(level) + 1) * 10,
  message: ({ message }) => message,
  msecs: ({ time }) => time % 1000,
  name: ({ fields }) => String(fields.logger ?? 'celery.worker'),
  process: () => process.pid,
  processName: () => 'MainProcess',
  task_id: ({ fields }) => String(fields.taskId ?? '???'),
  task_name: ({ fields }) => String(fields.taskName ?? '???'),
  thread: () => 0,
  threadName: () => 'MainThread',
}

const placeholder = /%(?:%|\((?<name>\w+)\)(?<left>-?)(?<zero>0?)(?<width>\d*)(?:\.(?<precision>\d+))?(?<kind>[sdf]))/g

function template(format: string): (record: LogRecord) => string {
  for (const { groups } of format.matchAll(placeholder)) {
    if (!groups?.name || Object.hasOwn(attributes, groups.name)) continue
    const next = `There are ${Object.keys(attributes).join(', ')}.`
    throw new CeleryError('IMPROPERLY_CONFIGURED', `a log record has no '${groups.name}'`, { next })
  }
  return (record) =>
    format.replace(placeholder, (text, ...rest) => {
      const { name, left, zero, width, precision, kind }: Record<string, string> = rest.at(-1)
      if (!name) return text.slice(1)
      const value = attributes[name]?.(record) ?? ''
      const shown =
        kind === 'f'
          ? Number(value).toFixed(Number(precision ?? 6))
          : String(value).slice(0, Number(precision ?? Infinity))
      return left ? shown.padEnd(Number(width)) : shown.padStart(Number(width), zero && kind !== 's' ? '0' : ' ')
    })
}

const colors = { debug: 'blue', warning: 'yellow', error: 'red', critical: 'magenta' } as const

function colored(level: LogLevel, text: string): string {
  return level === 'info' ? text : styleText(colors[level], text, { validateStream: false })
}

function localTime(epochMs: number): string {
  const d = new Date(epochMs)
  const two = (n: number) => String(n).padStart(2, '0')
  const date = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`
  const time = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
  return `${date} ${time},${String(d.getMilliseconds()).padStart(3, '0')}`
}
