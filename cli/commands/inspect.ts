import { loadApp, nodename } from '../../src/index.ts'
import { defineCommand, names, seconds, text } from '../command.ts'
import { CliError } from '../errors.ts'
import { sanitize } from '../output/sanitize.ts'
import { adoptStackEnvironment, stackOptions } from '../project.ts'

interface InspectEvent {
  type: 'reply'
  method: string
  node: string
  reply: unknown
}

const methods = [
  ...['ping', 'active', 'reserved', 'scheduled', 'revoked', 'registered', 'active_queues', 'stats', 'clock'],
  ...['conf', 'report'],
]

export const command = defineCommand({
  arguments: [['<method>', methods.join(', ')]],
  options: {
    app: text('-A, --app <path[:export]>', 'the app (default: app.ts of the project)'),
    destination: names('-d, --destination <nodes>', 'only these workers; %h is this host (default: all)'),
    timeout: seconds('-t, --timeout <seconds>', 'how long to wait for answers (default: 1)'),
    ...stackOptions,
  },
  examples: ['celery-sandbox inspect ping', 'celery-sandbox inspect active -d celery@%h --json'],

  async *run(context, options, [method = '']): AsyncIterable<InspectEvent> {
    if (!methods.includes(method))
      throw new CliError('USAGE', `no such method: '${method}'; there are ${methods.join(', ')}`)
    await adoptStackEnvironment(context, options)
    const { app } = await loadApp(options.app, context.cwd)
    try {
      const destination = options.destination?.map(nodename)
      const { signal } = context
      const { timeout = 1 } = options
      const replies = await app.control
        .inspect({ timeout, signal, ...(destination && { destination }) })
        .request(method)
      signal.throwIfAborted()
      for (const [node, reply] of Object.entries(replies)) yield { type: 'reply', method, node, reply }
      if (Object.keys(replies).length === 0) throw new CliError('NO_REPLY', 'no worker answered in time')
    } finally {
      await app.close()
    }
  },

  text: ({ node, reply }) => sanitize(`->  ${node}: OK\n${body(reply)}`),
})

function body(reply: unknown): string {
  if (!Array.isArray(reply)) return indented(reply)
  return reply.length === 0
    ? '    - empty -'
    : reply.map((item) => `    * ${typeof item === 'string' ? item : JSON.stringify(item)}`).join('\n')
}

function indented(reply: unknown): string {
  // Celery shows the pong of a ping bare.
  if (typeof reply === 'object' && reply !== null && 'ok' in reply) return `        ${reply.ok}`
  return JSON.stringify(reply, null, 4).replace(/^/gm, '    ')
}
