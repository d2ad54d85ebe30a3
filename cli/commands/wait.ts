import type { Ended } from '../../compose/index.ts'
import { defineCommand } from '../command.ts'
import { openProjectStack, stackOptions } from '../project.ts'

type WaitEvent = { readonly type: 'ended' } & Ended

export const command = defineCommand({
  arguments: [['<services...>', 'services that run']],
  options: stackOptions,
  examples: ['celery-sandbox wait migrate', 'celery-sandbox wait worker && echo ended well'],

  async *run(context, options, services): AsyncIterable<WaitEvent> {
    const stack = await openProjectStack(context, options)
    try {
      const ended = await stack.wait(services)
      process.exitCode = ended.exitCode
      yield { type: 'ended', ...ended }
    } finally {
      await stack.close()
    }
  },

  text: ({ exitCode }) => String(exitCode),
})
