import { randomUUID } from 'node:crypto'
import { connect } from 'amqplib'
import { afterEach, expect, it } from 'vitest'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith, parts } from '../support/parts.ts'
import { run } from '../support/process.ts'
import { askRedis } from '../support/redis.ts'
import { until } from '../support/wait.ts'

failOnLeaks()

const containers: string[] = []

afterEach(async () => {
  if (containers.length) await docker('rm', '--force', '--volumes', ...containers.splice(0))
})

async function docker(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run('docker', args, { env: { DOCKER_HOST: parts().docker.host } })
  if (code !== 0) throw new Error(`docker ${args[0]}: ${stderr}`)
  return stdout.trim()
}

/** Starts a container and gives the host's address of its port. */
async function serve(image: string, port: number, { env = {}, command = [] as string[] } = {}): Promise<string> {
  const name = `celery-sandbox-test-${randomUUID()}`
  containers.push(name)
  const variables = Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`])
  await docker(
    'run',
    '--detach',
    '--init',
    '--name',
    name,
    '--publish',
    `127.0.0.1::${port}`,
    ...variables,
    image,
    ...command,
  )
  return docker('port', name, String(port))
}

const answers = (ask: () => Promise<unknown>) =>
  ask().then(
    () => true,
    () => false,
  )

describeWith(['docker', 'images'], 'the stand-in for Redis', () => {
  it('serves everyone who reaches it', async () => {
    const address = await serve(parts().images.REDIS_IMAGE, 6379)
    await until(() => answers(() => askRedis(`redis://${address}`, 'PING')), { describe: 'Redis to answer' })
  })

  it('takes the command line of a compose file', async () => {
    const address = await serve(parts().images.REDIS_IMAGE, 6379, {
      command: ['redis-server', '--requirepass', 'secret'],
    })
    await until(() => answers(() => askRedis(`redis://default:secret@${address}`, 'PING')), {
      describe: 'Redis to answer',
    })
    await expect(askRedis(`redis://${address}`, 'PING')).rejects.toThrow('NOAUTH')
  })
})

describeWith(['docker', 'images'], 'the stand-in for RabbitMQ', () => {
  it('has the user and the virtual host of its environment, and no guest', async () => {
    const env = { RABBITMQ_DEFAULT_USER: 'shop', RABBITMQ_DEFAULT_PASS: 'secret', RABBITMQ_DEFAULT_VHOST: 'orders' }
    const address = await serve(parts().images.RABBITMQ_IMAGE, 5672, { env })
    const login = (who: string, vhost: string) =>
      connect(`amqp://${who}@${address}/${vhost}`).then((open) => open.close())
    await until(() => answers(() => login('shop:secret', 'orders')), {
      timeoutMs: 60_000,
      describe: 'RabbitMQ to answer',
    })
    await expect(login('guest:guest', 'orders')).rejects.toThrow('ACCESS-REFUSED')
  })

  it('ends within 3 s of SIGTERM, with code 0', async () => {
    const address = await serve(parts().images.RABBITMQ_IMAGE, 5672)
    const login = () => connect(`amqp://guest:guest@${address}`).then((open) => open.close())
    await until(() => answers(login), { timeoutMs: 60_000, describe: 'RabbitMQ to answer' })
    const [name = ''] = containers
    const startedAt = Date.now()
    await docker('stop', name)
    expect(Date.now() - startedAt).toBeLessThan(3000)
    expect(await docker('inspect', '--format', '{{.State.ExitCode}}', name)).toBe('0')
  })
})

describeWith(['docker', 'images'], 'the stand-ins for languages', () => {
  it('run TypeScript on the Node of these tests', async () => {
    const source = 'const version: string = process.version; console.log(version)'
    const command = ['node', '--input-type=module-typescript', '--eval', source]
    expect(await docker('run', '--rm', parts().images.NODE_IMAGE, ...command)).toBe(process.version)
  })

  it('run npx and celery', async () => {
    expect(await docker('run', '--rm', parts().images.NODE_IMAGE, 'npx', '--version')).toMatch(/^11\./)
    expect(await docker('run', '--rm', parts().images.PYTHON_CELERY_IMAGE, 'celery', '--version')).toMatch(/^5\./)
  })
})

describeWith(['compose'], 'the Compose to compare with', () => {
  it('is there in two releases', async () => {
    for (const [path, release] of [
      [parts().compose.current, /^2\.40/],
      [parts().compose.older, /^2\.26/],
    ] as const) {
      const { stdout } = await run(path, ['version', '--short'])
      expect(stdout).toMatch(release)
    }
  })
})
