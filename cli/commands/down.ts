import type { StackEvent } from '../../compose/index.ts'
import { defineCommand, flag, seconds } from '../command.ts'
import { stackText } from '../output/stack-text.ts'
import { openProjectStack, stackOptions } from '../project.ts'

export const command = defineCommand({
  options: {
    volumes: flag('-v, --volumes', 'remove the volumes too, with the data in them'),
    timeout: seconds('-t, --timeout <seconds>', 'how long a container may take to stop'),
    ...stackOptions,
  },
  examples: ['celery-sandbox down', 'celery-sandbox down --volumes', 'celery-sandbox down --project-name shop'],

  async *run(context, options): AsyncIterable<StackEvent> {
    const stack = await openProjectStack(context, options)
    try {
      yield* stack.down({ volumes: options.volumes, timeoutSeconds: options.timeout })
    } finally {
      await stack.close()
    }
  },

  text: stackText,
  screen: async (events, context) => (await import('../ui/screens/progress.tsx')).showProgress(events, context),
})
