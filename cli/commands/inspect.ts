import { remoteCommand } from '../remote/command.ts'

export const command = remoteCommand({
  kind: 'inspect',
  examples: [
    'celery-sandbox inspect ping',
    'celery-sandbox inspect active -d celery@%h --json',
    'celery-sandbox inspect registered rate_limit',
  ],
})
