import { servicesArgument, stackVerb } from '../stack-verb.ts'

export const command = stackVerb({
  arguments: servicesArgument,
  options: {},
  examples: ['celery-sandbox pause rabbitmq'],
  act: (stack, _, services) => stack.pause({ services }),
})
