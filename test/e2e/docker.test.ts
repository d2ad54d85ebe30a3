import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli, startCli, temporaryDirectory } from '../support/cli.ts'
import { describeWith, parts } from '../support/parts.ts'
import { run } from '../support/process.ts'
import { pythonClient } from '../support/python/client.ts'
import { startPythonWorker } from '../support/python/worker.ts'
import { until } from '../support/wait.ts'

/** The road of a new user: from an empty directory to a task's result, with RabbitMQ, Redis and workers on Docker. */
describeWith(['docker', 'images', 'compose', 'python'], 'a new project on Docker', () => {
  let home: Awaited<ReturnType<typeof temporaryDirectory>>
  let cwd: string
  const name = `celery-sandbox-test-shop-${process.pid}`
  const here = (...args: string[]) => cli(args, { cwd, timeoutMs: 110_000 })
  const docker = async (...args: string[]) => (await run('docker', args, { cwd })).stdout.trim()
  const addresses = async () => {
    const { stdout } = await here('env', '--json')
    const variables = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const { CELERY_BROKER_URL: broker, CELERY_RESULT_BACKEND: backend } = Object.fromEntries(
      variables.map((variable) => [variable.name, variable.value]),
    )
    return { broker, backend }
  }

  beforeAll(async () => {
    home = await temporaryDirectory()
    const made = await cli(['init', name, '--yes'], { cwd: home.path, timeoutMs: 110_000 })
    expect(made).toMatchObject({ code: 0, stderr: '' })
    cwd = join(home.path, name)
  })
  afterAll(async () => {
    await here('down', '--volumes')
    await home[Symbol.asyncDispose]()
  })

  it('up -d starts what the file says, in the order of its dependencies', async () => {
    const { stdout, stderr, code } = await here('up', '-d')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^Engine: docker /m)
    const at = (text: string) => stdout.indexOf(`${name}-${text}`)
    expect(at('rabbitmq-1 healthy')).toBeGreaterThan(0)
    expect(at('worker-1 starting')).toBeGreaterThan(at('rabbitmq-1 healthy'))
    expect(at('worker-2 healthy')).toBeGreaterThan(at('worker-2 starting'))
  })

  it('ps shows its containers healthy', async () => {
    const { containers, engine } = JSON.parse((await here('ps', '--json')).stdout)
    expect(engine).toBe('docker')
    expect(containers.map((c: { name: string; health: string }) => [c.name.replace(`${name}-`, ''), c.health])).toEqual(
      [
        ['rabbitmq-1', 'healthy'],
        ['redis-1', 'healthy'],
        ['worker-1', 'healthy'],
        ['worker-2', 'healthy'],
      ],
    )
  })

  it('RabbitMQ has one user, one virtual host and no guest, and its management UI lets that user in', async () => {
    const { containers } = JSON.parse((await here('ps', '--json')).stdout)
    const rabbitmq = containers.find(({ service }: { service: string }) => service === 'rabbitmq')
    const { port } = rabbitmq.ports.find(({ target }: { target: number }) => target === 15672)
    const ask = (path: string, login: string) =>
      fetch(`http://127.0.0.1:${port}/api/${path}`, { headers: { authorization: `Basic ${btoa(login)}` } })
    const { broker } = await addresses()
    const { username, password } = new URL(broker)
    const login = `${username}:${password}`
    const names = async (what: string) =>
      ((await (await ask(what, login)).json()) as { name: string }[]).map(({ name }) => name)
    expect([await names('users'), await names('vhosts')]).toEqual([['celery'], ['celery']])
    expect((await ask('whoami', 'guest:guest')).status).toBe(401)
  })

  it('docker and docker compose see the same stack', async () => {
    const names = await docker('ps', '--filter', `label=com.docker.compose.project=${name}`, '--format', '{{.Names}}')
    expect(names.split('\n').sort()).toEqual(
      ['rabbitmq-1', 'redis-1', 'worker-1', 'worker-2'].map((container) => `${name}-${container}`),
    )
    for (const binary of [parts().compose.current, parts().compose.older]) {
      const listed = await run(binary, ['ps', '--format', '{{.Name}}'], { cwd })
      expect(listed.stdout.trim().split('\n').sort()).toEqual(names.split('\n').sort())
    }
  })

  it('docker compose up finds nothing to change, and neither does up', async () => {
    const before = await docker('ps', '-q', '--no-trunc', '--filter', `label=com.docker.compose.project=${name}`)
    const outcome = await run(parts().compose.current, ['up', '-d'], { cwd, timeoutMs: 110_000 })
    expect(outcome.code).toBe(0)
    expect(outcome.stderr).not.toMatch(/Recreate|Created/)
    const again = await here('up', '-d')
    expect([again.code, again.stdout.includes('no changes')]).toEqual([0, true])
    const after = await docker('ps', '-q', '--no-trunc', '--filter', `label=com.docker.compose.project=${name}`)
    expect(after.split('\n').sort()).toEqual(before.split('\n').sort())
  })

  it('the REPL gets 8', async () => {
    expect(await here('repl', '-e', 'await add.delay(4, 4).get()')).toMatchObject({
      code: 0,
      stdout: '8\n',
      stderr: '',
    })
  })

  it('a Python client gets 8 from a TypeScript worker, and the REPL gets 8 from a Python worker', async () => {
    const { broker, backend } = await addresses()
    expect(broker).toMatch(/^amqp:\/\/celery:[0-9a-f]{36}@127\.0\.0\.1:\d+\/celery$/)
    await using python = await pythonClient({ broker, backend })
    expect(await python.eval('app.send_task("arithmetics.add", (4, 4)).get(timeout=10)')).toBe(8)
    await using worker = await startPythonWorker({ broker, backend, queues: ['python'] })
    void worker
    const program = `await sendTask('tasks.add', { args: [4, 4], queue: 'python' }).get({ timeout: 10 })`
    expect(await here('repl', '-e', program)).toMatchObject({ code: 0, stdout: '8\n' })
  })

  it('the workers run the project’s own files, which they cannot change', async () => {
    const path = join(cwd, 'tasks', 'arithmetics.ts')
    await writeFile(path, (await readFile(path, 'utf8')).replace('=> x + y', '=> (x + y) * 10'))
    await docker('restart', `${name}-worker-1`, `${name}-worker-2`)
    await until(async () => (await here('inspect', 'ping', '-t', '2')).stdout.match(/pong/g)?.length === 2, {
      timeoutMs: 30_000,
      describe: 'both workers to answer again',
    })
    expect(await here('repl', '-e', 'await add.delay(4, 4).get()')).toMatchObject({ stdout: '80\n' })
    const touch = await run('docker', ['exec', `${name}-worker-1`, 'touch', '/app/evil'])
    expect(touch.stderr).toContain('Read-only file system')
  })

  it('logs -f merges and prefixes all services', async () => {
    await using following = startCli(['logs', '-f', '--tail', '5'], { cwd })
    await following.until(new RegExp(`^${name}-rabbitmq-1 \\| `, 'm'))
    const sent = await here('call', 'arithmetics.mul', '-a', '[6, 7]', '--wait')
    expect(sent.stdout).toMatch(/\n42\n$/)
    await following.until(`Task arithmetics.mul[${sent.stdout.split('\n')[0]}] succeeded`)
  })

  it('no container has the Docker socket, and every port is open to this machine only', async () => {
    const ids = (await docker('ps', '-q', '--filter', `label=com.docker.compose.project=${name}`)).split('\n')
    const containers = JSON.parse(await docker('inspect', ...ids))
    expect(JSON.stringify(containers.map((c: { Mounts: unknown }) => c.Mounts))).not.toContain('docker.sock')
    const bindings = containers.flatMap((c: { HostConfig: { PortBindings: object | null } }) =>
      Object.values(c.HostConfig.PortBindings ?? {}).flat(),
    )
    expect(bindings.map(({ HostIp }: { HostIp: string }) => HostIp)).toEqual(bindings.map(() => '127.0.0.1'))
  })

  it('down leaves nothing but the volumes, and says so; --volumes takes those too', async () => {
    const left = async (kind: string, ...more: string[]) =>
      docker(kind, 'ls', '-q', ...more, '--filter', `label=com.docker.compose.project=${name}`)
    const { stdout, code } = await here('down')
    expect(code).toBe(0)
    expect(await left('container', '-a')).toBe('')
    expect(await left('network')).toBe('')
    expect((await left('volume')).split('\n')).toHaveLength(2)
    expect(stdout).toContain('--volumes')
    expect(await here('down', '--volumes')).toMatchObject({ code: 0 })
    expect(await left('volume')).toBe('')
  })

  describe('that is interrupted while it starts', () => {
    it('leaves no container and no network', async () => {
      await using starting = startCli(['up', '-d'], { cwd })
      await starting.until(/rabbitmq-1 waiting/)
      starting.signal('SIGINT')
      expect((await starting.exited).code).toBe(130)
      const filter = ['--filter', `label=com.docker.compose.project=${name}`]
      expect(await docker('container', 'ls', '-aq', ...filter)).toBe('')
      expect(await docker('network', 'ls', '-q', ...filter)).toBe('')
    })
  })
})
