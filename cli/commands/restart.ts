import { seconds } from '../command.ts'
import { servicesArgument, stackVerb } from '../stack-verb.ts'

export const command = stackVerb({
  arguments: servicesArgument,
  options: {
    timeout: seconds('-t, --timeout <seconds>', 'how long a container may take to stop'),
    waitTimeout: seconds('--wait-timeout <seconds>', 'how long a service may take to become ready (default: 120)'),
  },
  examples: ['celery-sandbox restart worker', 'celery-sandbox restart --timeout 5'],
  act: (stack, { timeout, waitTimeout }, services) =>
    stack.restart({ services, timeoutSeconds: timeout, readyTimeoutSeconds: waitTimeout }),
})
