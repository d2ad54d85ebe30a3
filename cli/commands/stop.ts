import { seconds } from '../command.ts'
import { servicesArgument, stackVerb } from '../stack-verb.ts'

export const command = stackVerb({
  arguments: servicesArgument,
  options: { timeout: seconds('-t, --timeout <seconds>', 'how long a container may take to stop') },
  examples: ['celery-sandbox stop', 'celery-sandbox stop worker --timeout 60'],
  act: (stack, { timeout }, services) => stack.stop({ services, timeoutSeconds: timeout }),
})
