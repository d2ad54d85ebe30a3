import { once } from 'node:events'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli, makeProject, startCli, temporaryDirectory } from '../support/cli.ts'
import { describeWith, parts } from '../support/parts.ts'
import { answer } from '../support/process.ts'
import { pythonClient } from '../support/python/client.ts'
import { until } from '../support/wait.ts'

const noDocker = { DOCKER_HOST: 'unix:///nope' }

describe('without Docker', () => {
  let home: Awaited<ReturnType<typeof temporaryDirectory>>
  let cwd: string
  const here = (...args: string[]) => cli(args, { cwd, env: noDocker })
  beforeAll(async () => {
    home = await temporaryDirectory()
    cwd = await makeProject(home.path)
  })
  afterAll(async () => {
    await here('down')
    await home[Symbol.asyncDispose]()
  })

  it('up runs the embedded engine and says so', async () => {
    const { stdout, code } = await here('up', '-d')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^Engine: embedded \(Docker not reachable at unix:\/\/\/nope \(from DOCKER_HOST\): there is no such socket\)$/m,
    )
    expect(stdout).toMatch(/shop-worker-2 healthy/)
  })

  it('up again changes nothing', async () => {
    const { stdout, code } = await here('up', '-d')
    expect([code, stdout.includes('no changes')]).toEqual([0, true])
  })

  it('ps lists what runs', async () => {
    const { stdout } = await here('ps', '--json')
    const { containers } = JSON.parse(stdout)
    expect(containers.map((c: { name: string; health: string }) => [c.name, c.health])).toEqual([
      ['shop-rabbitmq-1', 'healthy'],
      ['shop-redis-1', 'healthy'],
      ['shop-worker-1', 'healthy'],
      ['shop-worker-2', 'healthy'],
    ])
  })

  it('the REPL gets 8', async () => {
    expect(await here('repl', '-e', 'await add.delay(4, 4).get()')).toMatchObject({
      code: 0,
      stdout: '8\n',
      stderr: '',
    })
    const { stdout } = await here('repl', '-e', 'await add.delay(4, 4).get()', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ type: 'value', v: 1, value: 8 })
  })

  it('the REPL reads a program from a pipe', async () => {
    const input = 'const ids = []\nfor (let i = 0; i < 3; i++) ids.push(await add.delay(i, i).get())\nreturn ids\n'
    expect(await cli(['repl'], { cwd, env: noDocker, input })).toMatchObject({ code: 0, stdout: '[ 0, 2, 4 ]\n' })
  })

  it('a wrong call is refused before it is sent, with the signature', async () => {
    expect(await here('repl', '-e', 'add.delay(1)')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('add(x, y) is missing 1 argument: y'),
    })
  })

  it.each([
    ['foo', 'ReferenceError: foo is not defined'],
    ['syntax error here', 'SyntaxError'],
    ['throw 1', '1'],
  ])("a program's mistake is its own: %s", async (program, message) => {
    const { code, stderr } = await here('repl', '-e', program)
    expect([code, stderr]).toEqual([1, expect.stringMatching(new RegExp(`^error\\[PROGRAM_FAILED\\]: ${message}`))])
  })

  it('call says which task is meant by a short name', async () => {
    expect(await here('call', 'add', '-a', '[1, 2]')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean arithmetics.add?'),
    })
  })

  it('call prints the id, and result finds it', async () => {
    const sent = await here('call', 'arithmetics.mul', '-a', '[6, 7]')
    expect(sent).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f-]{36}\n$/) })
    expect(await here('result', sent.stdout.trim(), '--timeout', '5')).toMatchObject({ code: 0, stdout: '42\n' })
  })

  it('trace tells the story of a task from what the workers logged', async () => {
    const sent = await here('call', 'arithmetics.mul', '-a', '[6, 7]', '--wait')
    const id = sent.stdout.split('\n')[0] ?? ''
    const { stdout, code } = await here('trace', id)
    expect(code).toBe(0)
    const worker = String.raw`\(shop-worker-[12]\)`
    const told = `received +${worker}\n.* started .*${worker}\n.* succeeded +42 +${worker}`
    expect(stdout).toMatch(new RegExp(`^arithmetics\\.mul\n[^]* ${told}`))
    expect(await here('trace', 'nobody-sent-it')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('TASK_UNKNOWN'),
    })
  })

  it('a task that failed ends call with exit code 4 and its traceback', async () => {
    expect(await here('call', 'arithmetics.div', '-k', '{"x": 1, "y": 0}', '--wait')).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/^error\[TASK_FAILED\]: ValueError: cannot divide 1 by zero\n +RangeError/),
    })
  })

  it('inspect asks every worker', async () => {
    const { stdout, code } = await here('inspect', 'ping')
    expect(code).toBe(0)
    expect(stdout.match(/-> {2}celery@shop-worker-[12]: OK\n {8}pong/g)).toHaveLength(2)
    expect(await here('inspect', 'ping', '-d', 'nobody@here', '-t', '0.2')).toMatchObject({ code: 69 })
  })

  it('logs merges what all services wrote, each line with its container', async () => {
    const { stdout, code } = await here('logs')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^shop-worker-[12] \| .*Task arithmetics\.mul\[.*\] succeeded/m)
  })

  it('logs are for their owner alone, and can show when each line was written', async () => {
    const directory = join(cwd, '.celery-sandbox', 'logs')
    for (const file of await readdir(directory)) expect((await stat(join(directory, file))).mode & 0o077, file).toBe(0)
    const { stdout } = await here('logs', '--timestamps', 'worker')
    expect(stdout).toMatch(/^shop-worker-1 \| \d{4}-\d\d-\d\dT[\d:.]+Z .*ready/m)
  })

  it('logs -f goes on with what comes', async () => {
    await using following = startCli(['logs', '-f', '--tail', '1'], { cwd, env: noDocker })
    await following.until('shop-worker-1 |')
    const sent = await here('call', 'arithmetics.add', '-a', '[20, 1]', '--wait')
    await following.until(`Task arithmetics.add[${sent.stdout.split('\n')[0]}] succeeded`)
    following.signal('SIGINT')
    expect((await following.exited).code).toBe(0)
  })

  it('works from a directory below the project', async () => {
    const below = join(cwd, 'tasks')
    expect(await cli(['repl', '-e', 'await add.delay(1, 1).get()'], { cwd: below, env: noDocker })).toMatchObject({
      stdout: '2\n',
    })
  })

  describeWith(['python'], 'a Python client', () => {
    it('joins with the addresses that env prints', async () => {
      const { stdout } = await here('env', '--json')
      const variables = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      const { CELERY_BROKER_URL: broker, CELERY_RESULT_BACKEND: backend } = Object.fromEntries(
        variables.map(({ name, value }) => [name, value]),
      )
      await using python = await pythonClient({ broker, backend })
      expect(await python.eval('app.send_task("arithmetics.add", (4, 4)).get(timeout=10)')).toBe(8)
    })
  })

  describeWith(['ss'], 'every port', () => {
    it('is open to this machine only', async () => {
      const listening = await answer(parts().ss.path, ['-Hltnp'])
      const ours = (listening ?? '').split('\n').filter((line) => line.includes('node') || line.includes('MainThread'))
      expect(ours.length).toBeGreaterThan(0)
      expect(ours.filter((line) => !/127\.0\.0\.1:|\[::1\]:/.test(line))).toEqual([])
    })
  })

  it('a worker that is killed is shown as such, and up brings it back', async () => {
    const stats = await here('inspect', 'stats', '-d', 'celery@shop-worker-1', '--json')
    process.kill(JSON.parse(stats.stdout.split('\n')[0] ?? '').reply.pid, 'SIGKILL')
    const health = async () => {
      const { containers } = JSON.parse((await here('ps', '--json')).stdout)
      return containers.find((c: { name: string }) => c.name === 'shop-worker-1')
    }
    await until(async () => (await health()).state === 'exited', { describe: 'shop-worker-1 to be seen dead' })
    expect((await here('up', '-d')).code).toBe(0)
    expect(await health()).toMatchObject({ state: 'running', health: 'healthy' })
  })

  it('an engine that is killed takes its processes with it, and up begins anew', async () => {
    const { pid } = JSON.parse(await readFile(join(cwd, '.celery-sandbox', 'engine.json'), 'utf8'))
    process.kill(pid, 'SIGKILL')
    await until(async () => !(await answer('pgrep', ['-af', cwd])), { describe: 'its processes to end' })
    expect(await here('ps')).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing of shop is there') })
    expect((await here('up', '-d')).code).toBe(0)
    expect(await here('repl', '-e', 'await add.delay(4, 4).get()')).toMatchObject({ stdout: '8\n' })
  })

  it('commands that come at one moment work one after the other', async () => {
    expect(await Promise.all([here('down'), here('down')])).toMatchObject([{ code: 0 }, { code: 0 }])
    const ups = await Promise.all([here('up', '-d'), here('up', '-d')])
    expect(ups).toMatchObject([{ code: 0 }, { code: 0 }])
    expect(ups.map(({ stdout }) => stdout).join()).toMatch(/waiting for up \(process \d+\)/)
    expect(await here('repl', '-e', 'await add.delay(4, 4).get()')).toMatchObject({ stdout: '8\n' })
    await here('down')
    await using starting = startCli(['up', '-d'], { cwd, env: noDocker })
    await starting.until('shop-worker-1 starting')
    const { code, stdout } = await here('down')
    expect([code, stdout]).toEqual([0, expect.stringContaining('waiting for up')])
    expect(await starting.exited).toMatchObject({ code: 0 })
    expect((await answer('pgrep', ['-af', cwd])) ?? '').toBe('')
    expect((await here('up', '-d')).code).toBe(0)
  })

  it('down leaves nothing, and may be repeated', async () => {
    const engine = await readFile(join(cwd, '.celery-sandbox', 'engine.json'), 'utf8')
    expect(engine).toContain('token')
    expect(await here('down')).toMatchObject({ code: 0 })
    expect(await here('down')).toMatchObject({ code: 0 })
    expect(await here('ps')).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing of shop is there') })
    expect((await answer('pgrep', ['-af', cwd])) ?? '').toBe('')
    expect(await here('repl', '-e', '1')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('error[STACK_DOWN]'),
    })
  })
})

describe('trouble', () => {
  it('--engine docker without Docker: code, cause, next step, exit 3', async () => {
    await using home = await temporaryDirectory()
    const cwd = await makeProject(home.path)
    expect(await cli(['up', '--engine', 'docker'], { cwd, env: noDocker })).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(
        /^error\[DOCKER_UNREACHABLE\]: .*unix:\/\/\/nope \(from DOCKER_HOST\).*\n {2}Start Docker/,
      ),
    })
  })

  it('a bad compose.yaml: file, line, key, all of them at once', async () => {
    await using home = await temporaryDirectory()
    const cwd = await makeProject(home.path)
    const path = join(cwd, 'compose.yaml')
    const text = await readFile(path, 'utf8')
    await writeFile(
      path,
      text.replace('stop_grace_period: 30s', 'stop_grace_period: soon').replace('working_dir:', 'workng_dir:'),
    )
    const { code, stderr } = await cli(['up'], { cwd, env: noDocker })
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/compose\.yaml:\d+:\d+.*services\.worker\.workng_dir/)
    expect(stderr).toMatch(/compose\.yaml:\d+:\d+.*services\.worker\.stop_grace_period/)
    expect(stderr).toContain('working_dir')
  })

  it('a missing .env: the variable and what to do', async () => {
    await using home = await temporaryDirectory()
    const cwd = await makeProject(home.path)
    await rm(join(cwd, '.env'))
    const { code, stderr } = await cli(['up'], { cwd, env: noDocker })
    expect(code).not.toBe(0)
    expect(stderr).toContain('copy .env.example to .env')
  })

  it('a task file with a syntax error: the worker’s words, at once', async () => {
    await using home = await temporaryDirectory()
    const cwd = await makeProject(home.path)
    await writeFile(join(cwd, 'tasks', 'broken.ts'), 'export const = 1\n')
    const { code, stderr } = await cli(['up', '-d'], { cwd, env: noDocker })
    expect(code).not.toBe(0)
    expect(stderr).toContain('error[SERVICE_EXITED]')
    expect(stderr).toMatch(/tasks\/broken\.ts/)
    await cli(['down'], { cwd, env: noDocker })
  })

  it('a busy port: who has it, and the next one', async () => {
    await using home = await temporaryDirectory()
    const cwd = await makeProject(home.path, { broker: 'redis' })
    const path = join(cwd, 'compose.yaml')
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    await writeFile(path, (await readFile(path, 'utf8')).replace('127.0.0.1:6379:6379', `127.0.0.1:${port}:6379`))
    const { stdout, code } = await cli(['up', '-d'], { cwd, env: noDocker })
    server.close()
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`${port} is busy \\(node, pid ${process.pid}\\) → redis on \\d+`))
    expect(await cli(['repl', '-e', 'await add.delay(4, 4).get()'], { cwd, env: noDocker })).toMatchObject({
      stdout: '8\n',
    })
    await cli(['down'], { cwd, env: noDocker })
  })

  it('up that is interrupted leaves nothing', async () => {
    await using home = await temporaryDirectory()
    const cwd = await makeProject(home.path)
    await using starting = startCli(['up'], { cwd, env: noDocker })
    await starting.until(/shop-worker-1 (starting|waiting)/)
    starting.signal('SIGINT')
    await starting.exited
    expect((await answer('pgrep', ['-af', cwd])) ?? '').toBe('')
  })
})
