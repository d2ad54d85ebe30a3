import type { LogLine, LogsOptions, Stack } from '../../compose/index.ts'
import { logLevels } from '../../src/index.ts'
import { defineCommand, flag, type Option, text } from '../command.ts'
import type { Context } from '../context.ts'
import { levelNamed } from '../log.ts'
import { lineFilter } from '../logs/filter.ts'
import { moment } from '../logs/moment.ts'
import type { Paint } from '../output/paint.ts'
import { sanitize } from '../output/sanitize.ts'
import { openProjectStack, stackOptions } from '../project.ts'

export interface LogEvent extends LogLine {
  readonly type: 'log'
  /** Shown without its container. */
  readonly bare?: boolean
}

export const command = defineCommand({
  comesInBursts: true,
  arguments: [['[services...]', 'only these (default: all)']],
  options: {
    follow: flag('-f, --follow', 'go on with what comes'),
    tail: lineCount('-n, --tail <lines>', 'the last so many lines of each container, or all (default: all)'),
    since: moment(
      '--since <time>',
      'nothing older: a time (RFC 3339, Unix seconds), or how long ago (90s, 10m, 1h30m)',
    ),
    until: moment('--until <time>', 'nothing newer, likewise'),
    timestamps: flag('-t, --timestamps', 'show when each line was written'),
    logPrefix: { flags: '--no-log-prefix', meaning: 'do not say whose line it is', default: true } as Option<boolean>,
    grep: text('--grep <regex>', 'only lines that match, as RE2 reads it: (?i) ignores case'),
    level: text('--level <level>', `only lines at least as bad: ${logLevels.join(', ')}`),
    task: text('--task <id>', 'only lines about the task of this id or name'),
    ...stackOptions,
  },
  examples: [
    'celery-sandbox logs --follow',
    'celery-sandbox logs worker --tail 20',
    'celery-sandbox logs --since 10m --level warning',
    'celery-sandbox logs --task tasks.add --grep "(?i)retry"',
    'celery-sandbox logs --json | head -1',
  ],

  async *run(context, { level, logPrefix, timestamps, ...options }, services): AsyncIterable<LogEvent> {
    const isShown = await lineFilter({ ...options, level: level === undefined ? undefined : levelNamed(level) })
    const stack = await openProjectStack(context, options)
    try {
      for await (const event of logEvents(stack, { ...options, services }, context)) {
        if (!isShown(event)) continue
        const isForPeople = context.mode !== 'json'
        const text = timestamps && isForPeople ? `${event.time} ${event.text}` : event.text
        yield { ...event, text, ...(!logPrefix && isForPeople && { bare: true }) }
      }
    } finally {
      await stack.close()
    }
  },

  text: logText,
})

function lineCount(flags: string, meaning: string): Option<number | undefined> {
  const parse = (given: string) => {
    if (given === 'all') return undefined
    if (/^\d{1,15}$/.test(given)) return Number(given)
    throw new RangeError('it must be a whole number, 0 or more, or all')
  }
  return { flags, meaning, parse }
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
export function logText({ service, container, stream, text: line, bare }: LogEvent, paint: Paint): string {
  const name = sanitize(container)
  if (stream === 'notice') return paint.dim(`${name}${name && ' '}${sanitize(line)}`)
  const shown = stream === 'stderr' ? paint.dim(paint.foreign(line)) : paint.foreign(line)
  return bare ? shown : `${paint.of(service, `${name} |`)} ${shown}`
}
