import type { LogsOptions, Stack } from '../../compose/index.ts'
import { count, defineCommand, flag, type Option } from '../command.ts'
import type { Context } from '../context.ts'
import type { Paint } from '../output/paint.ts'
import { sanitize } from '../output/sanitize.ts'
import { openProjectStack, stackOptions } from '../project.ts'

export interface LogEvent {
  type: 'log'
  service: string
  container: string
  stream: 'stdout' | 'stderr'
  time: string
  text: string
}

export const command = defineCommand({
  arguments: [['[services...]', 'only these (default: all)']],
  options: {
    follow: flag('-f, --follow', 'go on with what comes'),
    tail: count('-n, --tail <lines>', 'the last so many lines of each container', 0),
    since: moment('--since <time>', 'only what is newer: a time (RFC 3339), or how long ago (90s, 10m, 1h30m)'),
    timestamps: flag('-t, --timestamps', 'show when each line was written'),
    ...stackOptions,
  },
  examples: [
    'celery-sandbox logs --follow',
    'celery-sandbox logs worker --tail 20',
    'celery-sandbox logs --json | head -1',
  ],

  async *run(context, options, services): AsyncIterable<LogEvent> {
    const stack = await openProjectStack(context, options)
    try {
      for await (const event of logEvents(stack, { ...options, services }, context)) {
        const isStamped = options.timestamps && context.mode !== 'json'
        yield isStamped ? { ...event, text: `${event.time} ${event.text}` } : event
      }
    } finally {
      await stack.close()
    }
  },

  text: logText,
})

/** `2026-11-20T10:00:00Z`, `2026-11-20`, or how long ago, as Docker reads it: `10m`, `1h30m`. */
function moment(flags: string, meaning: string): Option<string | undefined> {
  const parse = (given: string) => {
    const time = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/.test(given)
      ? new Date(given)
      : new Date(Date.now() - agoMs(given))
    if (!Number.isNaN(time.getTime())) return time.toISOString()
    throw new RangeError('it must be a time (2026-11-20T10:00:00Z), or how long ago (90s, 10m, 1h30m)')
  }
  return { flags, meaning, parse }
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function agoMs(text: string): number {
  if (!/^(\d+[smhd])+$/.test(text)) return Number.NaN
  return [...text.matchAll(/(\d+)([smhd])/g)].reduce((sum, [, n, unit = '']) => sum + Number(n) * (units[unit] ?? 0), 0)
}

/** Log lines as events, until the context's signal aborts. */
export async function* logEvents(stack: Stack, options: LogsOptions, { signal }: Context): AsyncIterable<LogEvent> {
  try {
    for await (const line of stack.logs({ ...options, signal })) yield { type: 'log', ...line }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** `shop-worker-1 | …`. What a container wrote cannot steer the terminal. */
export function logText({ container, text: line, stream }: LogEvent, paint: Paint): string {
  const prefix = paint.name(`${container} |`)
  return `${prefix} ${stream === 'stderr' ? paint.dim(sanitize(line)) : sanitize(line)}`
}
