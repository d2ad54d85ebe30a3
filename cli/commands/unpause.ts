import { servicesArgument, stackVerb } from '../stack-verb.ts'

export const command = stackVerb({
  arguments: servicesArgument,
  options: {},
  examples: ['celery-sandbox unpause rabbitmq'],
  act: (stack, _, services) => stack.unpause({ services }),
})
