import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'amqplib'
import { freePort } from '../port.ts'
import { answer, type Program, start } from '../process.ts'
import { until } from '../wait.ts'
import type { Part } from './part.ts'

/** A node of our own, with its own directory, ports, cookie and port mapper; another only when TEST_AMQP_URL names it. */
export const rabbitmq: Part<'rabbitmq'> = {
  packages: ['rabbitmq-server'],
  async find() {
    const url = process.env.TEST_AMQP_URL
    if (!url) return undefined
    await shakeHands(url)
    const managementUrl =
      process.env.TEST_RABBITMQ_MANAGEMENT_URL ?? url.replace(/^amqp:(.*@[^:/]+).*/, 'http:$1:15672')
    return { version: 'from TEST_AMQP_URL', endpoint: { url, managementUrl } }
  },
  isInstalled: async () => (await version()) !== undefined,
  async start() {
    const directory = await mkdtemp(join(tmpdir(), 'celery-sandbox-rabbitmq-'))
    const [amqp, management, distribution, epmd] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
    await writeConfiguration(directory, management)
    const env = environment(directory, { amqp, distribution, epmd })
    // A port mapper in the foreground: Erlang would leave one behind that outlives the node.
    const mapper = start('epmd', ['-port', String(epmd), '-address', '127.0.0.1'])
    const server = start(`${home}/rabbitmq-server`, [], { env })
    const stop = async () => {
      server.kill()
      await server.exited
      await mapper.stop()
      await rm(directory, { recursive: true, force: true, maxRetries: 3 })
    }
    const url = `amqp://${administrator}@127.0.0.1:${amqp}`
    try {
      await until(() => isUp(server, url), {
        timeoutMs: 60_000,
        everyMs: 200,
        describe: () => `RabbitMQ to answer; it wrote:\n${lastLines(server)}`,
      })
    } catch (error) {
      await stop()
      throw error
    }
    return {
      version: (await version()) ?? '',
      endpoint: { url, managementUrl: `http://${administrator}@127.0.0.1:${management}` },
      stop,
    }
  },
}

// Beside the wrapper in /usr/sbin, which would change to the user rabbitmq and to that user's directories.
const home = '/usr/lib/rabbitmq/bin'

const administrator = 'sandbox:sandbox'

const version = async () =>
  /^Version: (\S+)/m.exec((await answer('dpkg-query', ['--status', 'rabbitmq-server'])) ?? '')?.[1]

const environment = (directory: string, port: { amqp: number; distribution: number; epmd: number }) => ({
  HOME: directory,
  ERL_EPMD_PORT: String(port.epmd),
  RABBITMQ_NODENAME: `test-${port.amqp}@localhost`,
  RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
  RABBITMQ_NODE_PORT: String(port.amqp),
  RABBITMQ_DIST_PORT: String(port.distribution),
  RABBITMQ_MNESIA_BASE: join(directory, 'mnesia'),
  RABBITMQ_LOG_BASE: join(directory, 'log'),
  RABBITMQ_LOGS: '-',
  RABBITMQ_CONFIG_FILE: join(directory, 'rabbitmq.conf'),
  RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'enabled_plugins'),
  // The start script steps aside for Erlang itself, so that the process we started is the one to end.
  RABBITMQ_ALLOW_INPUT: 'true',
  RABBITMQ_SERVER_START_ARGS: '-noinput',
  RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
})

async function writeConfiguration(directory: string, managementPort: number): Promise<void> {
  const user = (name: string, password: string) => ({ name, password, tags: 'administrator' })
  const permission = (name: string) => ({ user: name, vhost: '/', configure: '.*', write: '.*', read: '.*' })
  const definitions = {
    vhosts: [{ name: '/' }],
    users: [user('sandbox', 'sandbox'), user('guest', 'guest')],
    permissions: [permission('sandbox'), permission('guest')],
  }
  const settings = {
    'management.tcp.ip': '127.0.0.1',
    'management.tcp.port': managementPort,
    load_definitions: join(directory, 'definitions.json'),
  }
  const write = (name: string, text: string) => writeFile(join(directory, name), text)
  await write('definitions.json', JSON.stringify(definitions))
  await write(
    'rabbitmq.conf',
    Object.entries(settings)
      .map(([key, value]) => `${key} = ${value}\n`)
      .join(''),
  )
  await write('enabled_plugins', '[rabbitmq_management].\n')
}

async function isUp(server: Program, url: string): Promise<boolean> {
  if (server.exit) throw new Error(`RabbitMQ ended:\n${lastLines(server)}`)
  return shakeHands(url).then(
    () => true,
    () => false,
  )
}

async function shakeHands(url: string): Promise<void> {
  const connection = await connect(url)
  await connection.close()
}

const lastLines = (server: Program) => server.output.trim().split('\n').slice(-5).join('\n')
