import { type LogLevel, logLevels, parseLogLevel } from '../../src/index.ts'
import { sanitize } from '../output/sanitize.ts'

/** What is known of a line: by itself, and by the record that it is a part of. */
export interface Described {
  readonly level: LogLevel
  /** Whether it concerns the task asked for. */
  readonly isAbout: boolean
}

/**
 * Reads the lines of one stream of one container, in their order. A line that says no level goes on with the record
 * before: a traceback belongs to the line at its head. Where nothing ever said a level, each line is `info`.
 *
 * @param task the id or the name of a task
 */
export function describeLines(task: string | undefined): (text: string) => Described {
  const isMentioned = task === undefined ? () => false : mentions(task)
  let head: Described | undefined
  return (text) => {
    const level = levelOf(text)
    const isAbout = isMentioned(text)
    if (level !== undefined) {
      head = { level, isAbout }
    } else if (head) {
      head = { level: beginsFailure(text) ? worse(head.level, 'error') : head.level, isAbout: head.isAbout || isAbout }
    } else if (beginsFailure(text)) {
      head = { level: 'error', isAbout }
    }
    return head ?? { level: 'info', isAbout }
  }
}

/** Whether one level is as bad as another, or worse. */
export function reaches(level: LogLevel, least: LogLevel): boolean {
  return logLevels.indexOf(level) >= logLevels.indexOf(least)
}

function worse(a: LogLevel, b: LogLevel): LogLevel {
  return reaches(a, b) ? a : b
}

/** What a line says of its own level, in the formats that are common around Celery. */
export function levelOf(text: string): LogLevel | undefined {
  if (text.startsWith('{')) return levelOfJson(text)
  const start = sanitize(text.slice(0, 200))
  for (const { pattern, names } of formats) {
    const word = pattern.exec(start)?.[1]
    if (word !== undefined) return names[word.toLowerCase()] ?? parseLogLevel(word)
  }
  return undefined
}

/** Words of others for Celery's levels. */
const otherNames: Readonly<Record<string, LogLevel>> = {
  trace: 'debug',
  verbose: 'debug',
  notice: 'info',
  err: 'error',
  severe: 'error',
  alert: 'critical',
  emergency: 'critical',
  panic: 'critical',
}

/** How lines begin that say their level, the surest first. */
const formats: readonly { readonly pattern: RegExp; readonly names: Readonly<Record<string, LogLevel>> }[] = [
  // Celery and this package: `[2026-11-21 10:00:00,123: INFO/MainProcess] …`
  { pattern: /^\[[^\]]{0,60}: ([A-Z]+)\//, names: otherNames },
  // RabbitMQ: `2026-11-21 10:00:00.123456+00:00 [info] <0.222.0> …`
  { pattern: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]*[+-]\d\d:\d\d \[([a-z]+)\]/, names: otherNames },
  // Redis: `1:M 21 Nov 2026 10:00:00.123 * …`
  {
    pattern: /^\d+:[A-Z] \d\d \w{3} \d{4} [\d:.]+ ([.*#-]) /,
    names: { '.': 'debug', '-': 'debug', '*': 'info', '#': 'warning' },
  },
  // `time=… level=warning msg=…`
  { pattern: /^(?:\S{1,40}=\S{1,40} ){0,3}level="?([a-z]+)/i, names: otherNames },
  // `ERROR: …`, `[WARN] …`, `2026-11-21T10:00:00Z INFO …`
  {
    pattern:
      /^(?:[\d-]{8,10}[T ])?(?:[\d:.,]{8,18}(?:Z|[+-]\d\d:?\d\d)? )? {0,3}\[?(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERR|ERROR|SEVERE|CRITICAL|FATAL|ALERT|EMERGENCY|PANIC)(?=[\]:\s|])/,
    names: otherNames,
  },
]

function levelOfJson(text: string): LogLevel | undefined {
  const record = readObject(text)
  if (!record) return undefined
  const { levelno, level, levelname, severity } = record
  if (typeof levelno === 'number') return byWeight(levelno)
  // pino and bunyan count as Python does, one step higher: 30 is info.
  if (typeof level === 'number') return byWeight(level - 10)
  const word = [level, levelname, severity, record['log.level']].find((value) => typeof value === 'string')
  return typeof word === 'string' ? (otherNames[word.toLowerCase()] ?? parseLogLevel(word) ?? 'info') : 'info'
}

/** Python's: 10 debug … 50 critical. */
function byWeight(weight: number): LogLevel {
  return logLevels[Math.min(5, Math.max(1, Math.floor(weight / 10))) - 1] ?? 'info'
}

function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** A traceback that nobody logged. */
function beginsFailure(text: string): boolean {
  return /^(?:Traceback \(most recent call last\):|(?:Uncaught )?[\w.]{0,80}(?:Error|Exception)(?: \[\w+\])?(?::|$))/.test(
    text,
  )
}

/** Whether an id or a name stands in a line as a word: `tasks.add[…]` is not about `tasks.add_all` or `add`. */
function mentions(word: string): (text: string) => boolean {
  return (text) => {
    for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
      const before = text.slice(Math.max(0, at - 1), at)
      const after = text.slice(at + word.length, at + word.length + 2)
      if (!/[\w.-]/.test(before) && !/^(?:[\w-]|\.\w)/.test(after)) return true
    }
    return false
  }
}
