import type { LogsOptions, Stack } from '../../compose/index.ts'
import { defineCommand, flag, number, text } from '../command.ts'
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
    tail: number('-n, --tail <lines>', 'the last so many lines of each container'),
    since: text('--since <time>', 'only what is newer than this time (ISO 8601)'),
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
      yield* logEvents(stack, { ...options, services }, context)
    } finally {
      await stack.close()
    }
  },

  text: logText,
})

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
