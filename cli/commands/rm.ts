import { flag } from '../command.ts'
import { servicesArgument, stackVerb } from '../stack-verb.ts'

export const command = stackVerb({
  arguments: servicesArgument,
  options: {
    stop: flag('-s, --stop', 'stop those that run first'),
    force: flag('-f, --force', 'as docker compose has it; nobody is asked here, as what runs and named volumes stay'),
    volumes: flag('-v, --volumes', 'remove volumes that nobody named too'),
  },
  examples: ['celery-sandbox rm', 'celery-sandbox rm --stop worker'],
  act: (stack, { stop, volumes }, services) => stack.rm({ services, stop, volumes }),
})
