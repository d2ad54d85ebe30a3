import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Celery } from '../../src/app/app.ts'
import { Worker } from '../../src/worker/worker.ts'
import { freshAmqpUrl, freshRedisUrl } from '../support/fresh.ts'
import { describeWith, parts } from '../support/parts.ts'
import { type Outcome, type Program, run, start } from '../support/process.ts'
import { pythonApp } from '../support/python/app.ts'
import { startPythonWorker } from '../support/python/worker.ts'
import { until } from '../support/wait.ts'

const bin = join(import.meta.dirname, '../../cli/bin.ts')
const fixture = join(import.meta.dirname, '../src/worker/fixtures/app.ts')

const allQuestions = [
  ...['ping', 'active', 'reserved', 'scheduled', 'revoked', 'registered', 'registered name', 'active_queues'],
  ...['clock', 'conf', 'report', 'stats'],
]

const allCommands = [
  ...['rate_limit tasks.add 10/m', 'rate_limit tasks.none 10/m', 'time_limit tasks.add 10 20', 'enable_events'],
  ...['heartbeat', 'pool_grow', 'pool_shrink 1', 'autoscale 3 1', 'add_consumer extra', 'cancel_consumer extra'],
  ...['revoke abc', 'terminate KILL abc', 'pool_restart'],
]

describeWith(['redis', 'rabbitmq', 'python'], 'the command lines of Python and TypeScript', () => {
  describe.each([
    ['Redis', freshRedisUrl, allQuestions, allCommands],
    // The bytes are the same: a few stand for all.
    ['RabbitMQ', freshAmqpUrl, ['scheduled', 'stats'], ['rate_limit tasks.add 10/m', 'add_consumer extra']],
  ] as const)('over %s', (_, place, questions, commands) => {
    let broker: string
    let backend: string
    let app: Celery
    let ts: Worker
    let py: Program
    let held: string

    beforeAll(async () => {
      broker = await place()
      backend = await freshRedisUrl()
      app = new Celery('remote', { brokerUrl: broker, resultBackend: backend })
      app.task('tasks.add', (x: number, y: number) => x + y, { rateLimit: '100/s' })
      ts = new Worker(app, { hostname: 'ts@test', concurrency: 2, withoutMingle: true, taskEvents: true })
      await ts.start()
      py = await startPythonWorker({ broker, backend, name: 'py@test', queues: ['python'], args: ['--concurrency=2'] })
      held = (await app.sendTask('tasks.add', { args: [1, 'smör'], countdown: 300 })).id
      await until(() => ts.state.reserved.size === 1, { describe: 'the task to be held' })
    })

    afterAll(async () => {
      await py.stop()
      await ts.stop()
      await app.close()
    })

    const theirs = (...args: string[]): Promise<Outcome> =>
      run(parts().python.path, ['-m', 'celery', '-A', 'tasks', '--no-color', ...args], pythonApp({ broker, backend }))

    const ours = (...args: string[]): Promise<Outcome> =>
      run(process.execPath, [bin, ...args, '-A', fixture, '--plain'], {
        env: { CELERY_BROKER_URL: broker, CELERY_RESULT_BACKEND: backend, NODE_NO_WARNINGS: '1' },
      })

    /** What changes from one call to the next. */
    const steady = (text: string) =>
      text
        .replace(
          /("(?:clock|uptime|[a-z]*cpu|utime|stime|maxrss|minflt|inblock|oublock|nv?i?v?csw)": )"?[\d.]+"?/g,
          '$1N',
        )
        // A float without a fraction is an integer to JavaScript.
        .replace('120.0', '120')

    it.each(questions.flatMap((words) => [['ts@test', words] as const, ['py@test', words] as const]))(
      'show the same of %s: inspect %s',
      async (node, words) => {
        const asked = ['inspect', ...words.split(' '), '-d', node, '-t', '10']
        const [python, typescript] = await Promise.all([theirs(...asked), ours(...asked)])
        expect(typescript.stderr).toBe('')
        expect(steady(typescript.stdout)).toBe(steady(python.stdout))
        expect(python.stdout).toContain('1 node online.')
        expect([typescript.code, python.code]).toEqual([0, 0])
      },
    )

    it('show the same of a task that is held', async () => {
      const asked = ['inspect', 'query_task', held, '-d', 'ts@test', '-t', '10']
      const [python, typescript] = await Promise.all([theirs(...asked), ours(...asked)])
      expect(python.stderr).toBe('')
      expect(typescript.stdout).toBe(python.stdout)
      expect(typescript.stdout).toContain('"reserved"')
    })

    it.each(commands)('say the same, and the workers too: control %s', async (words) => {
      const asked = (node: string) => ['control', ...words.split(' '), '-d', node, '-t', '10']
      const [first, second] = await Promise.all([theirs(...asked('py@test')), theirs(...asked('ts@test'))])
      const ofOurs = await ours(...asked('ts@test'))
      expect([first.stderr, second.stderr, ofOurs.stderr]).toEqual(['', '', ''])
      const shown = [first, second, ofOurs].map(({ stdout }) => stdout.replace(/(py|ts)@test/, 'NODE'))
      // What was switched on is on; and since 5.4 Celery shows ids as a set.
      const [python, viaPython, viaOurs] = shown.map((text) =>
        text.replace('already enabled', 'enabled').replace("{'abc'}", 'abc'),
      )
      expect(viaPython).toBe(python)
      expect(viaOurs).toBe(python)
      expect(ofOurs.code).toBe(first.code)
    })

    it('list who is online, the same', async () => {
      const [python, typescript] = await Promise.all([theirs('status', '-t', '5'), ours('status', '-t', '5')])
      const lines = (text: string) => text.split('\n').sort()
      expect(lines(typescript.stdout)).toEqual(lines(python.stdout))
      expect(typescript.stdout).toMatch(/^-> {2}(ts|py)@test: OK\n-> {2}(ts|py)@test: OK\n\n2 nodes online\.\n$/)
    })

    it('end with 69 when nobody answers, and with 2 when nobody knows the command', async () => {
      for (const asked of [['status'], ['inspect', 'ping'], ['control', 'heartbeat']]) {
        const to = [...asked, '-d', 'nobody@test', '-t', '0.2']
        const [python, typescript] = await Promise.all([theirs(...to), ours(...to)])
        expect([typescript.code, python.code]).toEqual([69, 69])
        expect([typescript.stderr, python.stderr]).toEqual([
          expect.stringContaining('No nodes replied within time constraint'),
          expect.stringContaining('No nodes replied within time constraint'),
        ])
      }
      const [python, typescript] = await Promise.all([theirs('inspect', 'nonsense'), ours('inspect', 'nonsense')])
      expect([typescript.code, python.code]).toEqual([2, 2])
      expect(typescript.stderr).toContain('Command nonsense not recognized. Available inspect commands: active, ')
    })

    it('dump the same events, of either worker', async () => {
      const env = { CELERY_BROKER_URL: broker, CELERY_RESULT_BACKEND: backend, NODE_NO_WARNINGS: '1' }
      const python = ['-m', 'celery', '-A', 'tasks', 'events', '--dump']
      await using first = start(parts().python.path, python, pythonApp({ broker, backend }))
      await using second = start(process.execPath, [bin, 'events', '--dump', '-A', fixture, '--plain'], { env })
      for (const dump of [first, second]) {
        await dump.until('-> evdump: starting capture...')
        for (const node of ['ts', 'py']) await dump.until(new RegExp(`^${node}@test .*heartbeat: active=0`, 'm'))
      }
      await app.control.enableEvents({ reply: true, limit: 2, timeout: 5 })
      await app.sendTask('tasks.add', { args: [20, 3] }).get({ timeout: 10 })
      await app.sendTask('tasks.boom', { args: ['smör'], queue: 'python' }).get({ timeout: 10, propagate: false })
      const told = ({ stdout }: Program) =>
        stdout
          .split('\n')
          .filter((line) => / task /.test(line))
          .map((line) => line.replace(/, local_received=[\d.]+/, '').replace('+00:00]', ']'))
      for (const dump of [first, second]) {
        await dump.until(/^ts@test .*task succeeded.*result=23, runtime/m)
        await dump.until(/^py@test .*task failed.*tasks\.boom/m)
      }
      // Python breaks the line where a traceback does.
      const whole = (lines: string[]) => lines.map((line) => line.replace(/traceback=.*/, 'traceback')).sort()
      expect(whole(told(second))).toEqual(whole(told(first)))
      expect(told(second).length).toBeGreaterThanOrEqual(6)
      expect(await second.stop()).toMatchObject({ code: 0 })
    })

    it('show what waits in each queue, and who serves it', async () => {
      await app.sendTask('tasks.add', { args: [1, 1], queue: 'forgotten' })
      const { stdout, code } = await ours('queues', '-Q', 'forgotten', '-t', '3')
      // An earlier command had the workers serve one more.
      const rows = stdout.split('\n').map((line) => line.split(/ {2,}/))
      expect(rows.filter(([queue]) => queue !== 'extra')).toEqual([
        ['QUEUE', 'DEPTH', 'UNACKED', 'CONSUMERS', 'WORKERS'],
        ['celery', '0', '1', '1', 'ts@test'],
        ['forgotten', '1', '0', '0', 'nobody consumes it'],
        ['python', '0', '0', '1', 'py@test'],
        [''],
      ])
      expect(code).toBe(0)
      await (await app.transport()).purge('forgotten')
    })

    it('list bindings the same, as far as the broker tells Python', async () => {
      const [python, typescript] = await Promise.all([theirs('list', 'bindings'), ours('list', 'bindings')])
      const shown = typescript.stdout.split('\n')
      if (broker.startsWith('amqp')) {
        expect(typescript.stderr).toContain('RabbitMQ lists its bindings at http://127.0.0.1:15672/')
        expect(typescript.code).toBe(1)
      } else {
        expect(shown).toEqual(expect.arrayContaining(python.stdout.split('\n')))
        expect(shown).toContain(`${'celery'.padEnd(28)} ${'celery'.padEnd(28)} celery`)
      }
    })

    it('purge the same', async () => {
      for (const how of [ours, theirs]) {
        await app.sendTask('tasks.add', { args: [1, 1], queue: 'idle' })
        await app.sendTask('tasks.add', { args: [1, 1], queue: 'idle' })
        const { stdout } = await how('purge', '-f', '-Q', 'idle')
        expect(stdout).toBe('Purged 2 messages from 1 known task queue.\n')
        expect((await how('purge', '-f', '-Q', 'idle')).stdout).toBe('No messages purged from 1 queue.\n')
      }
    })

    it('ask before they purge, and delete nothing without a yes', async () => {
      await app.sendTask('tasks.add', { args: [1, 1], queue: 'idle' })
      const env = { CELERY_BROKER_URL: broker, CELERY_RESULT_BACKEND: backend, NODE_NO_WARNINGS: '1' }
      const typescript = (input: string) =>
        run(process.execPath, [bin, 'purge', '-Q', 'idle', '-A', fixture, '--plain'], { env, input })
      const python = (input: string) =>
        run(parts().python.path, ['-m', 'celery', '-A', 'tasks', '--no-color', 'purge', '-Q', 'idle'], {
          ...pythonApp({ broker, backend }),
          input,
        })
      for (const input of ['n\n', '']) {
        const outcomes = [await python(input), await typescript(input)]
        expect(outcomes.map(({ code }) => code)).toEqual([1, 1])
        for (const { stdout, stderr } of outcomes) expect(stdout + stderr).toContain('There is no undo')
      }
      expect((await typescript('y\n')).stdout).toBe('Purged 1 message from 1 known task queue.\n')
    })

    it('shut down a worker of either language', async () => {
      const other = new Worker(app, { hostname: 'ts2@test', queues: ['none'], withoutMingle: true })
      await other.start()
      const python = await startPythonWorker({ broker, backend, name: 'py2@test', queues: ['none'] })
      // Who shuts down does not answer.
      expect((await theirs('control', 'shutdown', '-d', 'ts2@test')).code).toBe(69)
      expect((await ours('control', 'shutdown', '-d', 'py2@test')).code).toBe(69)
      await other.stopped
      expect(await python.exited).toMatchObject({ code: 0 })
    })
  })
})

describeWith(['redis'], 'fifty workers', () => {
  it('answer within the second', async () => {
    const app = new Celery('fifty', { brokerUrl: await freshRedisUrl() })
    const workers = Array.from(
      { length: 50 },
      (_, i) => new Worker(app, { hostname: `w${i}@test`, withoutMingle: true, withoutHeartbeat: true }),
    )
    await Promise.all(workers.map((worker) => worker.start()))
    const began = performance.now()
    const pongs = await app.control.ping({ timeout: 1 })
    expect(Object.keys(pongs)).toHaveLength(50)
    expect(performance.now() - began).toBeLessThan(2_000)
    const stats = await app.control.inspect({ timeout: 1 }).stats()
    expect(Object.keys(stats)).toHaveLength(50)
    await Promise.all(workers.map((worker) => worker.stop()))
    await app.close()
  })
})
