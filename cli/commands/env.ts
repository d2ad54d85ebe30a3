import { defineCommand } from '../command.ts'
import { CliError } from '../errors.ts'
import { stackEnvironment, stackOptions } from '../project.ts'

interface EnvEvent {
  type: 'variable'
  name: string
  value: string
}

export const command = defineCommand({
  options: stackOptions,
  examples: ['eval "$(celery-sandbox env)"', 'celery-sandbox env --json'],

  async *run(context, options): AsyncIterable<EnvEvent> {
    const environment = await stackEnvironment(context, options)
    if (!environment) throw new CliError('NO_PROJECT', 'there is no compose.yaml here or in a directory above')
    // The rest is the image's own: PATH, versions.
    const celery = Object.entries(environment).filter(([name]) => name.startsWith('CELERY_'))
    for (const [name, value] of celery) yield { type: 'variable', name, value }
  },

  text: ({ name, value }) => `export ${name}='${value.replaceAll("'", "'\\''")}'`,
})
