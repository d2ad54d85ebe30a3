import { servicesArgument, stackVerb } from '../stack-verb.ts'

export const command = stackVerb({
  arguments: servicesArgument,
  options: {},
  examples: ['celery-sandbox watch', 'celery-sandbox watch worker'],
  act: (stack, _, services) => stack.watch({ services }),
})
