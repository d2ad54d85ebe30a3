import type { Stack, StackEvent } from '../compose/index.ts'
import type { Command, OptionTable, Values } from './command.ts'
import { stackText } from './output/stack-text.ts'
import { openProjectStack, stackOptions } from './project.ts'

interface StackVerb<O extends OptionTable> extends Pick<Command, 'arguments' | 'examples'> {
  readonly options: O
  /** Does it; the words are the services, if it takes any. */
  readonly act: (stack: Stack, options: Values<O>, services: readonly string[]) => AsyncIterable<StackEvent>
}

type Everywhere<O extends OptionTable> = O & typeof stackOptions

/** A command that changes the stack: its containers are shown, a row each, while things happen to them. */
export function stackVerb<O extends OptionTable>(verb: StackVerb<O>): Command<StackEvent, Everywhere<O>> {
  return {
    ...(verb.arguments && { arguments: verb.arguments }),
    options: { ...verb.options, ...stackOptions },
    examples: verb.examples,

    async *run(context, options, words) {
      const stack = await openProjectStack(context, options as Values<typeof stackOptions>)
      try {
        yield* verb.act(stack, options as unknown as Values<O>, words)
      } finally {
        await stack.close()
      }
    },

    text: stackText,
    screen: async (events, context) => (await import('./ui/screens/progress.tsx')).showProgress(events, context),
  }
}

/** Of every verb that may be about some services only. */
export const servicesArgument = [['[services...]', 'only these (default: all)']] as const
