import { text } from '../command.ts'
import { servicesArgument, stackVerb } from '../stack-verb.ts'

export const command = stackVerb({
  arguments: servicesArgument,
  options: { signal: text('-s, --signal <signal>', 'which one, by name or number (default: SIGKILL)') },
  examples: ['celery-sandbox kill worker', 'celery-sandbox kill --signal SIGHUP worker'],
  act: (stack, { signal }, services) => stack.kill({ services, signal }),
})
