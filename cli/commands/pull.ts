import type { StackEvent } from '../../compose/index.ts'
import { choice, defineCommand, flag } from '../command.ts'
import { stackText } from '../output/stack-text.ts'
import { openProjectStack, stackOptions } from '../project.ts'

const policies = ['policy', 'always', 'missing'] as const

export const command = defineCommand({
  arguments: [['[services...]', 'only these (default: all)']],
  options: {
    policy: choice('--policy <policy>', 'what is pulled (policy: as each service says, or all)', policies, 'policy'),
    ignoreBuildable: flag('--ignore-buildable', 'pass over what can be built'),
    ignorePullFailures: flag('--ignore-pull-failures', 'pull what can be pulled, warn of the rest'),
    includeDeps: flag('--include-deps', 'also what these services depend on'),
    quiet: flag('-q, --quiet', 'print nothing but errors'),
    ...stackOptions,
  },
  examples: ['celery-sandbox pull', 'celery-sandbox pull redis --policy missing', 'celery-sandbox pull --json'],

  async *run(context, options, services): AsyncIterable<StackEvent> {
    const stack = await openProjectStack(context, options)
    const { ignoreBuildable, ignorePullFailures: ignoreFailures, includeDeps: dependencies, quiet } = options
    const policy = options.policy === 'policy' ? undefined : options.policy
    try {
      for await (const event of stack.pull({ services, policy, ignoreBuildable, ignoreFailures, dependencies })) {
        if (!quiet) yield event
      }
    } finally {
      await stack.close()
    }
  },

  text: stackText,
  screen: async (events, context) => (await import('../ui/screens/progress.tsx')).showProgress(events, context),
})
