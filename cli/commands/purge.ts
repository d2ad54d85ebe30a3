import type { Celery } from '../../src/index.ts'
import { withApp } from '../app.ts'
import { appOption, defineCommand, flag, names } from '../command.ts'
import { confirm } from '../confirm.ts'
import { sanitize } from '../output/sanitize.ts'
import { stackOptions } from '../project.ts'

interface PurgeEvent {
  readonly type: 'purged'
  readonly messages: number
  readonly queues: readonly string[]
}

export const command = defineCommand({
  options: {
    app: appOption,
    force: flag('-f, --force', 'do not ask'),
    queues: names('-Q, --queues <names>', 'these queues (default: those that the app declares)'),
    excludeQueues: names('-X, --exclude-queues <names>', 'not these'),
    ...stackOptions,
  },
  examples: ['celery-sandbox purge', 'celery-sandbox purge -f -Q celery,mails'],

  run: (context, options) =>
    withApp(context, options, async function* (app): AsyncIterable<PurgeEvent> {
      const known = options.queues ?? app.queues.defaults.map(({ name }) => name)
      const queues = [...new Set(known)].filter((name) => !options.excludeQueues?.includes(name)).sort()
      if (queues.length === 0) return
      if (!options.force) await confirm(warning(queues, context.paint.bad('WARNING')), '-f', context)
      yield { type: 'purged', messages: await purge(app, queues), queues }
    }),

  text({ messages, queues }) {
    const where = `${queues.length} ${plural(queues.length, 'queue')}`
    if (messages === 0) return `No messages purged from ${where}.`
    const known = `${queues.length} known task ${plural(queues.length, 'queue')}`
    return `Purged ${messages} ${plural(messages, 'message')} from ${known}.`
  },
})

const warning = (queues: readonly string[], mark: string) =>
  `${mark}: This will remove all tasks from ${plural(queues.length, 'queue')}: ${sanitize(queues.join(', '))}.
         There is no undo for this operation!

(to skip this prompt use the -f option)
Are you sure you want to delete all tasks?`

async function purge(app: Celery, queues: readonly string[]): Promise<number> {
  const transport = await app.transport()
  let messages = 0
  for (const name of queues) {
    // RabbitMQ refuses to purge a queue that is not there; such a one is empty.
    if ((await transport.size(name)) > 0) messages += await transport.purge(name)
  }
  return messages
}

const plural = (count: number, noun: string) => (count === 1 ? noun : `${noun}s`)
