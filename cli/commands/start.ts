import { seconds } from '../command.ts'
import { servicesArgument, stackVerb } from '../stack-verb.ts'

export const command = stackVerb({
  arguments: servicesArgument,
  options: {
    waitTimeout: seconds('--wait-timeout <seconds>', 'how long a service may take to become ready (default: 120)'),
  },
  examples: ['celery-sandbox start', 'celery-sandbox start redis'],
  act: (stack, { waitTimeout }, services) => stack.start({ services, readyTimeoutSeconds: waitTimeout }),
})
