import type { Binding } from '../../src/index.ts'
import { withApp } from '../app.ts'
import { appOption, defineCommand } from '../command.ts'
import { CliError } from '../errors.ts'
import { sanitize } from '../output/sanitize.ts'
import { stackOptions } from '../project.ts'
import { type StacksEvent, stacksOf, stacksText } from './ls.ts'

interface BindingsEvent {
  readonly type: 'bindings'
  readonly bindings: readonly Binding[]
}

export const command = defineCommand({
  arguments: [
    ['[what]', 'stacks: every one on this machine, as `ls`; bindings: how queues are bound (default: stacks)'],
  ],
  options: { app: appOption, ...stackOptions },
  examples: ['celery-sandbox list', 'celery-sandbox list bindings'],

  async *run(context, options, [what = 'stacks']): AsyncIterable<BindingsEvent | StacksEvent> {
    if (what === 'stacks') return yield* stacksOf(context, options.engine)
    if (what !== 'bindings') throw new CliError('USAGE', `nobody can list ${what}; there are: stacks, bindings`)
    yield* withApp(context, options, async function* (app): AsyncIterable<BindingsEvent> {
      const transport = await app.transport()
      for (const queue of app.queues.defaults) await transport.declare(queue)
      yield { type: 'bindings', bindings: await transport.bindings() }
    })
  },

  text(event, paint) {
    if (event.type === 'stacks') return stacksText(event, paint)
    const rows = event.bindings.map(({ queue, exchange, routingKey }) => [queue, exchange, routingKey])
    const line = '-'.repeat(16)
    return [['Queue', 'Exchange', 'Routing Key'], [line, line, line], ...rows].map(columns).join('\n')
  },
})

const columns = ([queue = '', exchange = '', key = '']: readonly string[]) =>
  sanitize(`${queue.padEnd(28)} ${exchange.padEnd(28)} ${key}`)
