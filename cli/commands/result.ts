import { withApp } from '../app.ts'
import { appOption, defineCommand, flag, seconds } from '../command.ts'
import { sanitize } from '../output/sanitize.ts'
import { stackOptions } from '../project.ts'
import { show } from '../repl/show.ts'

type ResultEvent =
  | { type: 'result'; id: string; value: unknown }
  | { type: 'traceback'; id: string; traceback: string | null }

export const command = defineCommand({
  arguments: [['<id>', "the task's id, as call printed it"]],
  options: {
    app: appOption,
    traceback: flag('--traceback', 'show the traceback instead of the value'),
    timeout: seconds('-t, --timeout <seconds>', 'how long to wait at most (default: for ever)'),
    ...stackOptions,
  },
  examples: ['celery-sandbox result 8148dd9f-5191-40b4-92f8-43ccdafad1dc --timeout 5'],

  run: (context, options, [id = '']) =>
    withApp(context, options, async function* (app): AsyncIterable<ResultEvent> {
      const result = app.asyncResult(id)
      const wait = { signal: context.signal, ...(options.timeout !== undefined && { timeout: options.timeout }) }
      if (!options.traceback) return yield { type: 'result', id, value: await result.get(wait) }
      await result.get({ ...wait, propagate: false })
      yield { type: 'traceback', id, traceback: (await result.meta())?.traceback ?? null }
    }),

  text(event) {
    if (event.type === 'result') return show(event.value)
    return event.traceback === null ? 'no traceback: the task did not fail' : sanitize(event.traceback)
  },
})
