import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { cli, startCli } from '../support/cli.ts'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith } from '../support/parts.ts'
import { docker, Sandbox } from './docker.ts'

failOnLeaks()

const hears = `["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"]`

const shop = `
services:
  redis:
    image: $REDIS
    command: redis-server --save ""
    healthcheck: { test: redis-cli ping, interval: 200ms, timeout: 5s, retries: 30 }
    ports: ["127.0.0.1::6379"]
  worker:
    image: $NODE
    command: ${hears}
    depends_on: { redis: { condition: service_healthy } }
    restart: always
    environment: { COLOR: blue }
    container_name: \${NAME}
`

describeWith(['docker', 'images', 'compose'], 'exec', () => {
  const sandbox = new Sandbox()
  beforeAll(async () => {
    sandbox.write(shop.replace(/ {4}container_name.*\n/, ''))
    await sandbox.up({ scale: { worker: 2 } })
  })
  afterAll(() => sandbox.remove())

  const exec = (args: string[], input?: string) =>
    cli(['exec', ...args], { cwd: sandbox.directory, env: sandbox.env, ...(input !== undefined && { input }) })

  it('passes on what goes in, what comes out on either stream, and the exit code', async () => {
    expect(await exec(['-T', 'redis', 'cat'], 'x\n')).toMatchObject({ code: 0, stdout: 'x\n', stderr: '' })
    const script = 'echo out; echo err >&2; exit 7'
    expect(await exec(['redis', 'sh', '-c', script])).toMatchObject({ code: 7, stdout: 'out\n', stderr: 'err\n' })
  })

  it('loses no byte of what is large', async () => {
    const input = '0123456789abcdef'.repeat(128 * 1024)
    expect((await exec(['-T', 'redis', 'cat'], input)).stdout).toBe(input)
  })

  it('leaves options behind the service to the program', async () => {
    const { stdout } = await exec(['worker', 'sh', '-c', 'echo "$@"', '--', '--json', '--help', '-T'])
    expect(stdout).toBe('--json --help -T\n')
    expect((await exec(['--help'])).stdout).toContain('celery-sandbox exec worker sh')
    expect(await exec(['--bogus', 'worker', 'true'])).toMatchObject({ code: 2 })
  })

  it('sets user, directory and variables, and picks a container by its number', async () => {
    const script = 'echo "$(id -u) $(pwd) $COLOR $SIZE $(hostname)"'
    const { stdout } = await exec([
      '-u',
      '65534',
      '-w',
      '/tmp',
      '-e',
      'SIZE=5',
      '--index',
      '2',
      'worker',
      'sh',
      '-c',
      script,
    ])
    const [user, directory, color, size, host = ''] = stdout.trim().split(' ')
    expect([user, directory, color, size]).toEqual(['65534', '/tmp', 'blue', '5'])
    expect((await sandbox.ids())['worker-2']).toMatch(new RegExp(`^${host}`))
  })

  it('leaves a program to itself', async () => {
    expect(await exec(['-d', 'redis', 'sh', '-c', 'echo yes > /tmp/done'])).toMatchObject({ code: 0, stdout: '' })
    const done = async () => (await exec(['redis', 'cat', '/tmp/done'])).stdout
    await expect.poll(done, { timeout: 10_000 }).toBe('yes\n')
  })

  it('gives a program that is not there the exit code of docker compose', async () => {
    const ours = await exec(['redis', 'nothing-of-this-name'])
    const theirs = await sandbox.compose('exec', '-T', 'redis', 'nothing-of-this-name').catch(String)
    expect(theirs).toContain('nothing-of-this-name')
    expect([126, 127]).toContain(ours.code)
  })

  it('names what runs when the service does not', async () => {
    expect(await exec(['rediss', 'true'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there are redis, worker'),
    })
    expect(await exec(['--index', '9', 'redis', 'true'])).toMatchObject({
      stderr: expect.stringContaining('SERVICE_NOT_RUNNING'),
    })
  })

  it('speaks JSON', async () => {
    const { stdout } = await exec(['--json', 'redis', 'echo', 'hello'])
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      expect.objectContaining({ type: 'output', stream: 'stdout', text: 'hello\n' }),
      expect.objectContaining({ type: 'exit', code: 0 }),
    ])
  })
})

describeWith(['docker', 'images', 'compose'], 'run', () => {
  let sandbox: Sandbox
  beforeEach(() => {
    sandbox = new Sandbox()
    sandbox.env.NAME = `${sandbox.name}-only`
    sandbox.write(shop)
  })
  afterEach(() => sandbox.remove())

  const here = (...args: string[]) => cli(['run', ...args], { cwd: sandbox.directory, env: sandbox.env })
  const oneOffs = async () => (await (await sandbox.open()).ps()).filter(({ oneOff }) => oneOff)

  it('starts what the service depends on, waits for it, and tells nothing but what the program writes', async () => {
    const { code, stdout, stderr } = await here('--rm', 'worker', 'sh', '-c', 'echo $COLOR; exit 3')
    expect([code, stdout]).toEqual([3, 'blue\n'])
    expect(stderr).toMatch(/redis-1 healthy/)
    expect((await (await sandbox.open()).ps()).map(({ service, health }) => [service, health])).toEqual([
      ['redis', 'healthy'],
    ])
  })

  it('leaves a container that docker compose takes for its own run', async () => {
    await here('--no-deps', 'worker', 'true')
    const [ours] = await oneOffs()
    expect(ours?.name).toMatch(new RegExp(`^${sandbox.name}-worker-run-[0-9a-f]{12}$`))
    expect((await sandbox.compose('ps', '--all', '--quiet', '--no-trunc')).trim()).toBe(ours?.id)
    await sandbox.compose('run', '--no-deps', 'worker', 'true')
    const engine = await docker()
    const [a, b] = await engine.containers(sandbox.name)
    const known = (labels: object = {}) =>
      Object.keys(labels)
        .filter((label) => label.startsWith('com.docker.compose'))
        .sort()
    expect(known(a?.labels)).toEqual(known(b?.labels))
    expect(a?.labels['com.docker.compose.slug']).toMatch(/^[0-9a-f]{64}$/)
    await sandbox.compose('down', '--remove-orphans')
  })

  it('changes what it is told to', async () => {
    writeFileSync(join(sandbox.directory, 'note'), 'read me\n')
    const words = ['--rm', '--no-deps', '-e', 'COLOR=red', '-v', './note:/note:ro', '-w', '/tmp', '-u', '65534']
    const { stdout } = await here(
      ...words,
      '--entrypoint',
      'sh',
      '--name',
      `${sandbox.name}-x`,
      'worker',
      '-c',
      'cat /note; id -u; pwd; echo $COLOR',
    )
    expect(stdout).toBe('read me\n65534\n/tmp\nred\n')
    expect(await here('-v', 'one:two:three:four', 'worker')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('OPTION_INVALID'),
    })
  })

  it('publishes ports only when asked', async () => {
    const ports = async () => (await oneOffs()).map((container) => container.ports.map(({ target }) => target))
    await here('-d', '--name', `${sandbox.name}-a`, 'redis')
    expect(await ports()).toEqual([[]])
    await here('-d', '--service-ports', '-p', '127.0.0.1::7000', '--name', `${sandbox.name}-b`, 'redis')
    expect((await ports()).flat().sort()).toEqual([6379, 7000])
    await sandbox.down({ timeoutSeconds: 1 })
  })

  it('reads what is piped to it', async () => {
    const piped = await cli(['run', '--rm', '--no-deps', 'worker', 'cat'], {
      cwd: sandbox.directory,
      env: sandbox.env,
      input: 'one\ntwo\n',
    })
    expect(piped).toMatchObject({ code: 0, stdout: 'one\ntwo\n' })
    expect(await oneOffs()).toEqual([])
  })

  it('passes signals on, and removes its container when they end it', async () => {
    const script = `trap 'echo bye; exit 5' INT; echo ready; while :; do sleep 0.05; done`
    await using running = startCli(['run', '--rm', '--no-deps', 'worker', 'sh', '-c', script], {
      cwd: sandbox.directory,
      env: sandbox.env,
    })
    await running.until(/^ready$/m)
    running.signal('SIGINT')
    await running.until(/^bye$/m)
    expect((await running.exited).code).toBe(5)
    await expect.poll(oneOffs, { timeout: 10_000 }).toEqual([])
  })

  it('removes its container also when this process was killed', async () => {
    await using running = startCli(['run', '--rm', '--no-deps', 'worker', 'sh', '-c', 'echo ready; sleep 2'], {
      cwd: sandbox.directory,
      env: sandbox.env,
    })
    await running.until(/^ready$/m)
    running.signal('SIGKILL')
    await running.exited
    await expect.poll(oneOffs, { timeout: 10_000 }).toEqual([])
  })

  it('leaves nothing of a program that is not there', async () => {
    const { code, stderr } = await here('--no-deps', 'worker', 'nothing-of-this-name')
    expect([code, stderr]).toEqual([1, expect.stringContaining('START_FAILED')])
    expect(await oneOffs()).toEqual([])
  })
})
