import type { StackEvent } from '../../compose/index.ts'
import { defineCommand, flag, type Option } from '../command.ts'
import { stackText } from '../output/stack-text.ts'
import { openProjectStack, stackOptions } from '../project.ts'

export const command = defineCommand({
  arguments: [['[services...]', 'only these (default: every service that has a build)']],
  options: {
    noCache: flag('--no-cache', 'carry out every step again'),
    pull: flag('--pull', 'look for newer base images'),
    buildArg: assignments('--build-arg <key=value>', 'an argument of the Dockerfile, over the file; several times'),
    withDependencies: flag('--with-dependencies', 'also what these services depend on'),
    quiet: flag('-q, --quiet', 'print nothing but errors'),
    verbose: flag('-v, --verbose', 'show what the steps write'),
    ...stackOptions,
  },
  examples: [
    'celery-sandbox build',
    'celery-sandbox build worker --no-cache --verbose',
    'celery-sandbox build --build-arg VERSION=2 --json',
  ],

  async *run(context, options, services): AsyncIterable<StackEvent> {
    const stack = await openProjectStack(context, options)
    const { noCache, pull, withDependencies: dependencies, quiet, verbose } = options
    try {
      const args = Object.fromEntries(options.buildArg.map((given) => assigned(given, context.env)))
      for await (const event of stack.build({ services, noCache, pull, args, dependencies })) {
        if (!quiet && (event.type !== 'output' || verbose || context.mode === 'json')) yield event
      }
    } finally {
      await stack.close()
    }
  },

  text: stackText,
  screen: async (events, context) => (await import('../ui/screens/progress.tsx')).showProgress(events, context),
})

function assignments(flags: string, meaning: string): Option<readonly string[]> {
  return { flags, meaning, default: [], parse: (given, before = []) => [...before, given] }
}

/** `KEY` alone takes its value from the environment. */
function assigned(given: string, env: Readonly<Record<string, string | undefined>>): [string, string] {
  const [, key = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(given) ?? []
  return [key, value ?? env[key] ?? '']
}
