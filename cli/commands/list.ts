import { type Binding, loadApp } from '../../src/index.ts'
import { defineCommand, text } from '../command.ts'
import { CliError } from '../errors.ts'
import { sanitize } from '../output/sanitize.ts'
import { adoptStackEnvironment, stackOptions } from '../project.ts'

interface BindingsEvent {
  readonly type: 'bindings'
  readonly bindings: readonly Binding[]
}

export const command = defineCommand({
  arguments: [['<what>', 'bindings']],
  options: { app: text('-A, --app <path[:export]>', 'the app (default: app.ts of the project)'), ...stackOptions },
  examples: ['celery-sandbox list bindings'],

  async *run(context, options, [what]): AsyncIterable<BindingsEvent> {
    if (what !== 'bindings') throw new CliError('USAGE', `nobody can list ${what}; there is: bindings`)
    await adoptStackEnvironment(context, options)
    const { app } = await loadApp(options.app, context.cwd)
    try {
      const transport = await app.transport()
      for (const queue of app.queues.defaults) await transport.declare(queue)
      yield { type: 'bindings', bindings: await transport.bindings() }
    } finally {
      await app.close()
    }
  },

  text({ bindings }) {
    const rows = bindings.map(({ queue, exchange, routingKey }) => [queue, exchange, routingKey])
    const line = '-'.repeat(16)
    return [['Queue', 'Exchange', 'Routing Key'], [line, line, line], ...rows].map(columns).join('\n')
  },
})

const columns = ([queue = '', exchange = '', key = '']: readonly string[]) =>
  sanitize(`${queue.padEnd(28)} ${exchange.padEnd(28)} ${key}`)
