import { loadApp, type ReceivedEvent } from '../../src/index.ts'
import { defineCommand, flag, text } from '../command.ts'
import { feed } from '../feed.ts'
import { onAbort } from '../interrupt.ts'
import { adoptStackEnvironment, stackOptions } from '../project.ts'
import { eventWriter } from '../remote/event-text.ts'

type Told = { readonly type: 'capture' } | { readonly type: 'event'; readonly event: ReceivedEvent }

const write = eventWriter()

export const command = defineCommand({
  options: {
    app: text('-A, --app <path[:export]>', 'the app (default: app.ts of the project)'),
    dump: flag('-d, --dump', 'a line an event, instead of the screen'),
    ...stackOptions,
  },
  examples: ['celery-sandbox events', 'celery-sandbox events --dump', 'celery-sandbox events --json'],

  async *run(context, options): AsyncIterable<Told> {
    await adoptStackEnvironment(context, options)
    const { app } = await loadApp(options.app, context.cwd)
    try {
      if (context.mode === 'tty' && !options.dump) {
        const { watchCluster } = await import('../ui/screens/events.tsx')
        return await watchCluster(app, context)
      }
      const heard = feed<Told>()
      onAbort(context.signal, heard.end)
      yield { type: 'capture' }
      await app.events.receive((event) => heard.push({ type: 'event', event }))
      yield* heard
    } finally {
      await app.close()
    }
  },

  text: (told) => (told.type === 'capture' ? '-> evdump: starting capture...' : write(told.event)),
})
