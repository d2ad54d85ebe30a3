import type { ReceivedEvent } from '../../src/index.ts'
import { withApp } from '../app.ts'
import { appOption, defineCommand, flag } from '../command.ts'
import { feed } from '../feed.ts'
import { onAbort } from '../interrupt.ts'
import { stackOptions } from '../project.ts'
import { eventWriter } from '../remote/event-text.ts'

type Told = { readonly type: 'capture' } | { readonly type: 'event'; readonly event: ReceivedEvent }

const write = eventWriter()

export const command = defineCommand({
  options: {
    app: appOption,
    dump: flag('-d, --dump', 'a line an event, instead of the screen'),
    ...stackOptions,
  },
  examples: ['celery-sandbox events', 'celery-sandbox events --dump', 'celery-sandbox events --json'],

  run: (context, options) =>
    withApp(context, options, async function* (app): AsyncIterable<Told> {
      if (context.mode === 'tty' && !options.dump) {
        const { watchCluster } = await import('../ui/screens/events.tsx')
        return await watchCluster(app, context)
      }
      const heard = feed<Told>()
      onAbort(context.signal, heard.end)
      yield { type: 'capture' }
      await app.events.receive((event) => heard.push({ type: 'event', event }))
      yield* heard
    }),

  text: (told) => (told.type === 'capture' ? '-> evdump: starting capture...' : write(told.event)),
})
