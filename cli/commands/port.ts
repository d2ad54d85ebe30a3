import { choice, count, defineCommand } from '../command.ts'
import { CliError } from '../errors.ts'
import { openProjectStack, stackOptions } from '../project.ts'

interface PortEvent {
  type: 'address'
  host: string
  port: number
}

const options = {
  protocol: choice('--protocol <protocol>', 'tcp or udp', ['tcp', 'udp'], 'tcp'),
  index: count('--index <n>', 'which of its containers (default: the first that runs)'),
  ...stackOptions,
}

export const command = defineCommand({
  arguments: [
    ['<service>', 'a service'],
    ['<port>', 'the port inside its containers'],
  ],
  options,
  examples: ['celery-sandbox port rabbitmq 5672', 'celery-sandbox port worker 8080 --index 2'],

  async *run(context, options, [service = '', port = '']): AsyncIterable<PortEvent> {
    const number = Number(port)
    if (!Number.isInteger(number) || number < 1 || number > 65535) {
      throw new CliError('USAGE', `${port} is no port: it must be a number, 1 to 65535`)
    }
    const { protocol, index } = options
    const stack = await openProjectStack(context, options)
    try {
      yield { type: 'address', ...(await stack.port({ service, port: number, protocol, index })) }
    } finally {
      await stack.close()
    }
  },

  text: ({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`,
})
