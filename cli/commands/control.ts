import { remoteCommand } from '../remote/command.ts'

export const command = remoteCommand({
  kind: 'control',
  examples: [
    'celery-sandbox control rate_limit mails.send 10/m',
    'celery-sandbox control add_consumer urgent -d celery@%h',
    'celery-sandbox control terminate KILL 8148dd9f-5191-40b4-92f8-43ccdafad1dc',
  ],
})
