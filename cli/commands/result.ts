import { loadApp } from '../../src/index.ts'
import { defineCommand, flag, seconds, text } from '../command.ts'
import { sanitize } from '../output/sanitize.ts'
import { adoptStackEnvironment, stackOptions } from '../project.ts'
import { show } from '../repl/show.ts'

type ResultEvent =
  | { type: 'result'; id: string; value: unknown }
  | { type: 'traceback'; id: string; traceback: string | null }

export const command = defineCommand({
  arguments: [['<id>', "the task's id, as call printed it"]],
  options: {
    app: text('-A, --app <path[:export]>', 'the app (default: app.ts of the project)'),
    traceback: flag('--traceback', 'show the traceback instead of the value'),
    timeout: seconds('-t, --timeout <seconds>', 'how long to wait at most (default: for ever)'),
    ...stackOptions,
  },
  examples: ['celery-sandbox result 8148dd9f-5191-40b4-92f8-43ccdafad1dc --timeout 5'],

  async *run(context, options, [id = '']): AsyncIterable<ResultEvent> {
    await adoptStackEnvironment(context, options)
    const { app } = await loadApp(options.app, context.cwd)
    try {
      const result = app.asyncResult(id)
      const wait = { signal: context.signal, ...(options.timeout !== undefined && { timeout: options.timeout }) }
      if (!options.traceback) return yield { type: 'result', id, value: await result.get(wait) }
      await result.get({ ...wait, propagate: false })
      yield { type: 'traceback', id, traceback: (await result.meta())?.traceback ?? null }
    } finally {
      await app.close()
    }
  },

  text(event) {
    if (event.type === 'result') return show(event.value)
    return event.traceback === null ? 'no traceback: the task did not fail' : sanitize(event.traceback)
  },
})
