import { shortName } from '../../src/index.ts'
import { withApp } from '../app.ts'
import { appOption, count, defineCommand, flag, json, seconds, text } from '../command.ts'
import { CliError } from '../errors.ts'
import { sanitize } from '../output/sanitize.ts'
import { stackOptions } from '../project.ts'
import { show } from '../repl/show.ts'

type CallEvent = { type: 'sent'; id: string; task: string } | { type: 'result'; id: string; value: unknown }

export const command = defineCommand({
  arguments: [['<task>', 'its name: arithmetics.add']],
  options: {
    app: appOption,
    args: json('-a, --args <json>', 'positional arguments, a list'),
    kwargs: json('-k, --kwargs <json>', 'keyword arguments, an object'),
    countdown: seconds('--countdown <seconds>', 'do not start before this many seconds'),
    eta: text('--eta <time>', 'do not start before this time (ISO 8601)'),
    expires: seconds('--expires <seconds>', 'do not start after this many seconds'),
    queue: text('-Q, --queue <name>', 'the queue to send it to'),
    priority: count('--priority <n>', 'RabbitMQ: high is urgent; Redis: 0 is', 0),
    wait: flag('-w, --wait', 'wait for the result and print it'),
    timeout: seconds('-t, --timeout <seconds>', 'with --wait: how long at most'),
    ...stackOptions,
  },
  examples: [
    "celery-sandbox call arithmetics.add -a '[4, 4]' --wait",
    `celery-sandbox call arithmetics.add -k '{"x": 4, "y": 4}' --countdown 10`,
  ],

  async *run(context, options, [task = '']): AsyncIterable<CallEvent> {
    const args = checked('--args', options.args ?? [], Array.isArray, 'a JSON list')
    const kwargs = checked('--kwargs', options.kwargs ?? {}, isObject, 'a JSON object')
    const eta =
      options.eta === undefined ? undefined : checked('--eta', new Date(options.eta), isTime, 'an ISO 8601 time')
    yield* withApp(context, options, async function* (app): AsyncIterable<CallEvent> {
      const { countdown, expires, queue, priority } = options
      const given = { countdown, eta, expires, queue, priority }
      const call = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
      const known = app.tasks.get(task)
      if (!known) refuseShortName(task, app.tasks.names())
      const sent = await (known
        ? known.applyAsync({ args, kwargs, ...call })
        : app.sendTask(task, { args, kwargs, ...call }))
      yield { type: 'sent', id: sent.id, task }
      if (!options.wait) return
      const value = await sent.get({
        signal: context.signal,
        ...(options.timeout !== undefined && { timeout: options.timeout }),
      })
      yield { type: 'result', id: sent.id, value }
    })
  },

  text(event) {
    if (event.type === 'sent') return sanitize(event.id)
    return show(event.value)
  },
})

/** A worker of another app may have any task; what this app has under a longer name is meant by that. */
function refuseShortName(task: string, names: readonly string[]): void {
  const meant = names.filter((name) => shortName(name) === task)
  if (meant.length === 0) return
  throw new CliError('USAGE', `there is no task '${task}'; did you mean ${meant.join(' or ')}?`, {
    next: `For example: celery-sandbox call ${meant[0]}`,
  })
}

function checked<T>(option: string, value: unknown, fits: (value: unknown) => value is T, wanted: string): T {
  if (fits(value)) return value
  throw new CliError('USAGE', `${option} must be ${wanted}`)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isTime = (value: unknown): value is Date => value instanceof Date && !Number.isNaN(value.getTime())
