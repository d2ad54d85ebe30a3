import { flag, seconds } from '../command.ts'
import { stackVerb } from '../stack-verb.ts'

export const command = stackVerb({
  options: {
    volumes: flag('-v, --volumes', 'remove the volumes too, with the data in them'),
    timeout: seconds('-t, --timeout <seconds>', 'how long a container may take to stop'),
  },
  examples: ['celery-sandbox down', 'celery-sandbox down --volumes', 'celery-sandbox down --project-name shop'],
  act: (stack, { volumes, timeout }) => stack.down({ volumes, timeoutSeconds: timeout }),
})
