import type { Celery } from '../../src/index.ts'
import { withApp } from '../app.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { type AskOptions, ask, remoteOptions } from '../remote/ask.ts'
import { onlineText, type ReplyEvent, replyText } from '../remote/reply-text.ts'

type StatusEvent = ReplyEvent | { readonly type: 'online'; readonly nodes: number }

export const command = defineCommand({
  options: remoteOptions,
  examples: ['celery-sandbox status', 'celery-sandbox status -t 5 --json'],

  run: (context, options) => withApp(context, options, (app) => ping(app, context, options)),

  text: (event, paint) =>
    event.type === 'reply' ? replyText(event, paint, { withBody: false }) : onlineText(event.nodes),
})

async function* ping(app: Celery, context: Context, options: AskOptions): AsyncIterable<StatusEvent> {
  yield { type: 'online', nodes: yield* ask(app, context, options, ['ping', {}]) }
}
