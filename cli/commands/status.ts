import { loadApp } from '../../src/index.ts'
import { defineCommand } from '../command.ts'
import { adoptStackEnvironment } from '../project.ts'
import { ask, remoteOptions } from '../remote/ask.ts'
import { onlineText, type ReplyEvent, replyText } from '../remote/reply-text.ts'

type StatusEvent = ReplyEvent | { readonly type: 'online'; readonly nodes: number }

export const command = defineCommand({
  options: remoteOptions,
  examples: ['celery-sandbox status', 'celery-sandbox status -t 5 --json'],

  async *run(context, options): AsyncIterable<StatusEvent> {
    await adoptStackEnvironment(context, options)
    const { app } = await loadApp(options.app, context.cwd)
    try {
      let nodes = 0
      for await (const reply of ask(app, context, options, ['ping', {}])) {
        nodes += 1
        yield reply
      }
      yield { type: 'online', nodes }
    } finally {
      await app.close()
    }
  },

  text: (event, paint) =>
    event.type === 'reply' ? replyText(event, paint, { withBody: false }) : onlineText(event.nodes),
})
