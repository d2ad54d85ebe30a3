import { describeException, parseExceptionInfo, type ReceivedEvent, type ResultMeta, repr } from '../../src/index.ts'
import type { LogEvent } from '../commands/logs.ts'
import type { Paint } from '../output/paint.ts'
import { sanitize } from '../output/sanitize.ts'

/** What can befall a task, and how it is coloured. */
const kinds = {
  sent: 'strong',
  queued: 'strong',
  waits: 'strong',
  taken: 'strong',
  received: 'strong',
  held: 'strong',
  scheduled: 'strong',
  started: 'strong',
  state: 'strong',
  logged: 'dim',
  retried: 'warn',
  succeeded: 'good',
  ignored: 'warn',
  failed: 'bad',
  rejected: 'bad',
  revoked: 'warn',
  unwanted: 'warn',
  unreadable: 'bad',
  'dead-lettered': 'bad',
} as const satisfies Record<string, keyof Paint>

export type Kind = keyof typeof kinds

/** After these nothing comes. */
export const endings: ReadonlySet<Kind> = new Set(['succeeded', 'failed', 'revoked', 'ignored', 'rejected'])

/** Something that befell a task, or that is so now. */
export interface Moment {
  readonly type: 'moment'
  /** ISO 8601; null when nobody says when. */
  readonly at: string | null
  /** It is so at present. */
  readonly isNow: boolean
  readonly what: Kind
  /** The node, or the container whose log tells it. */
  readonly by: string | null
  readonly detail: string | null
}

export function moment(what: Kind, told: Partial<Omit<Moment, 'type' | 'what'>> = {}): Moment {
  return { type: 'moment', at: null, isNow: false, what, by: null, detail: null, ...told }
}

/** Python writes UTC without saying so. Null for what is no time. */
export function instant(text: string | null | undefined): string | null {
  if (!text) return null
  const date = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}

/** @param seconds since the epoch */
export const instantOf = (seconds: unknown): string | null =>
  typeof seconds === 'number' && Math.abs(seconds) < 8.64e12 ? new Date(seconds * 1000).toISOString() : null

/** `2026-11-20T10:00:00.125Z  received       (celery@w1)`: one line, whatever stands in it. */
export function momentText({ at, isNow, what, by, detail }: Moment, paint: Paint): string {
  const when = at ?? (isNow ? 'now' : '-')
  const rest = [detail, by && `(${by})`].filter((part) => part).join('  ')
  return `  ${paint.dim(when.padEnd(24))}  ${paint[kinds[what]](what.padEnd(13))}  ${oneLine(rest)}`.trimEnd()
}

/** What may come from anyone, as a part of one line. */
export const oneLine = (text: string): string => sanitize(text).replaceAll('\n', '\\n')

const eventKinds: Readonly<Record<string, Kind>> = {
  'task-sent': 'sent',
  'task-received': 'received',
  'task-started': 'started',
  'task-retried': 'retried',
  'task-succeeded': 'succeeded',
  'task-failed': 'failed',
  'task-revoked': 'revoked',
  'task-rejected': 'rejected',
}

/** What an event tells of its task; undefined for an event of the task's own making. */
export function momentOfEvent(event: ReceivedEvent): Moment | undefined {
  const { type, timestamp, hostname } = event
  // What goes back to its queue has not ended.
  const what = type === 'task-rejected' && event.requeue === true ? 'queued' : eventKinds[type]
  const told = event.exception ?? event.result ?? event.queue
  const detail = what !== 'received' && typeof told === 'string' ? told : null
  return what && moment(what, { at: instantOf(timestamp), by: String(hostname), detail })
}

const stateKinds: Readonly<Record<string, Kind>> = {
  SUCCESS: 'succeeded',
  FAILURE: 'failed',
  REVOKED: 'revoked',
  REJECTED: 'rejected',
  IGNORED: 'ignored',
  RETRY: 'retried',
  STARTED: 'started',
  RECEIVED: 'received',
}

/** What the stored state means. */
export function momentOfResult({ status, result, date_done: done, worker }: ResultMeta): Moment {
  const what = stateKinds[status] ?? 'state'
  return moment(what, {
    at: instant(done),
    by: worker ?? hostnameIn(status, result),
    detail: detailOf(what, status, result),
  })
}

function detailOf(what: Kind, status: string, result: unknown): string | null {
  if (what === 'started' || what === 'received') return null
  if (what === 'succeeded') return repr(result)
  if (what === 'state') return result === null ? status : `${status} ${repr(result)}`
  return result === null ? null : describeException(parseExceptionInfo(result))
}

/** With STARTED, Celery stores who runs it. */
function hostnameIn(status: string, result: unknown): string | null {
  const hostname = status === 'STARTED' && typeof result === 'object' && result && Reflect.get(result, 'hostname')
  return typeof hostname === 'string' ? hostname : null
}

const lineKinds: readonly (readonly [RegExp, Kind])[] = [
  [/^received\s*(.*)$/, 'received'],
  [/^retry: (.*)$/, 'retried'],
  [/^raised (?:un)?expected: (.*)$/, 'failed'],
  [/^rejected:? ?(.*)$/, 'rejected'],
  [/^ignored$/, 'ignored'],
]

/**
 * What a line of a worker's log tells of a task, in Celery's words; any other line in which the id stands is `logged`.
 * Who says how long a task ran says when it began.
 */
export function momentsOfLine({ container, time, text }: LogEvent, id: string): Moment[] {
  if (!mentions(text, id)) return []
  const { message, hostname } = recordOf(text)
  const at = instant(time)
  const by = hostname ?? container
  const [before = '', told = ''] = message.split(`[${id}] `)
  const isOfCelery = /Task \S+$/.test(before)
  const [, seconds] = (isOfCelery && /^succeeded in ([\d.e-]+)s: /.exec(told)) || []
  if (seconds !== undefined && at !== null) {
    const began = instantOf(Date.parse(at) / 1000 - Number(seconds))
    const detail = told.slice(told.indexOf(': ') + 2)
    return [
      moment('started', { at: began, by, detail: `ran for ${seconds} s` }),
      moment('succeeded', { at, by, detail }),
    ]
  }
  if (message.includes('Discarding revoked task: ')) return [moment('revoked', { at, by })]
  for (const [pattern, what] of isOfCelery ? lineKinds : []) {
    const found = pattern.exec(told)
    if (found) return [moment(what, { at, by, detail: found[1]?.trim() || null })]
  }
  return [moment('logged', { at, by, detail: message })]
}

const mentions = (text: string, id: string): boolean => {
  if (id === '') return false
  for (let at = text.indexOf(id); at !== -1; at = text.indexOf(id, at + 1)) {
    if (!/[\w-]/.test(text[at - 1] ?? ' ') && !/[\w-]/.test(text[at + id.length] ?? ' ')) return true
  }
  return false
}

/** A worker may write its records as JSON. */
function recordOf(text: string): { message: string; hostname: string | undefined } {
  try {
    const { message, hostname } = JSON.parse(text)
    if (typeof message === 'string') return { message, hostname: typeof hostname === 'string' ? hostname : undefined }
  } catch {
    // An ordinary line.
  }
  return { message: text, hostname: undefined }
}
