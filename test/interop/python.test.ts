import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signature } from '../../src/canvas/signature.ts'
import { Celery } from '../../src/celery.ts'
import { createEmbeddedBroker, type EmbeddedBroker } from '../../src/embedded/broker.ts'
import { RemoteError } from '../../src/protocol/exception.ts'
import { Worker } from '../../src/worker/worker.ts'
import { freshAmqpUrl, freshRedisUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'
import type { Program } from '../support/process.ts'
import { type PythonClient, pythonClient } from '../support/python/client.ts'
import { startPythonWorker } from '../support/python/worker.ts'

interface Addresses {
  broker: string
  backend: string
  stop?(): Promise<void>
}

const brokers: [name: string, open: () => Promise<Addresses>][] = [
  ['Redis', async () => ({ broker: await freshRedisUrl(), backend: await freshRedisUrl() })],
  ['RabbitMQ', async () => ({ broker: await freshAmqpUrl(), backend: await freshRedisUrl() })],
  [
    'the embedded broker',
    async () => {
      const embedded: EmbeddedBroker = createEmbeddedBroker({ password: 'not guessed' })
      await embedded.start()
      const backend = embedded.url.replace(/0$/, '1')
      return { broker: embedded.url, backend, stop: () => embedded.stop() }
    },
  ],
]

for (const [name, open] of brokers) {
  describeWith(['redis', 'rabbitmq', 'python'], `Python and TypeScript over ${name}`, () => {
    let addresses: Addresses
    let app: Celery
    beforeAll(async () => {
      addresses = await open()
      app = new Celery('interop', { brokerUrl: addresses.broker, resultBackend: addresses.backend })
      defineTasks(app)
    })
    afterAll(async () => {
      await app.close()
      await addresses.stop?.()
    })

    describe('a Python client and a TypeScript worker', () => {
      let worker: Worker
      let python: PythonClient
      beforeAll(async () => {
        worker = new Worker(app, { hostname: 'ts@test' })
        await worker.start()
        python = await pythonClient(addresses)
      })
      afterAll(async () => {
        await python.stop()
        await worker.stop()
      })

      it.each([
        ['add.delay(4, 4).get(timeout=10)', 8],
        ['add.delay(x=4, y=5).get(timeout=10)', 9],
        ['add.delay("smör", "gås 🥬").get(timeout=10)', 'smörgås 🥬'],
        ['echo.delay({"a": [1, None, True]}).get(timeout=10)', { a: [1, null, true] }],
        ['flaky.delay(7).get(timeout=10)', 7],
        ['add.apply_async((1, 2), countdown=0.3).get(timeout=10)', 3],
        ['add.apply_async((1, 2), ignore_result=True).get(timeout=10)', null],
        ['chain(add.s(1, 2), add.s(3), mul.s(4))().get(timeout=10)', 24],
        ['add.apply_async((1, 1), link=mul.s(10)).get(timeout=10)', 2],
        ['app.control.ping(timeout=2, destination=["ts@test"])', [{ 'ts@test': { ok: 'pong' } }]],
        ['app.control.inspect(timeout=2).registered()["ts@test"][0]', 'tasks.add'],
      ])('%s', async (source, value) => {
        expect(await python.eval(source)).toEqual(value)
      })

      it('speak protocol 1 and 2', async () => {
        await python.eval('app.conf.task_protocol = 1')
        expect(await python.eval('add.apply_async((1, 2), countdown=0.1).get(timeout=10)')).toBe(3)
        await python.eval('app.conf.task_protocol = 2')
      })

      it('raise what the task threw under a name that Python can catch', async () => {
        const caught = (call: string, error: string) =>
          `try:\n    value = ${call}.get(timeout=10)\nexcept ${error} as error:\n    value = [type(error).__name__, list(error.args)]\nvalue`
        expect(await python.eval(caught('boom.delay("no good")', 'ValueError'))).toEqual(['ValueError', ['no good']])
        expect(await python.eval(caught('app.send_task("tasks.add", (1,))', 'TypeError'))).toEqual([
          'TypeError',
          ['add(x, y) is missing 1 argument: y'],
        ])
        expect(await python.eval(caught('custom_boom.delay()', 'CustomError'))).toEqual(['CustomError', ['a', 2]])
        expect(await python.eval(caught('app.send_task("tasks.nope")', 'Exception'))).toEqual([
          'NotRegistered',
          ['tasks.nope'],
        ])
      })

      it('show the state on the way', async () => {
        await python.eval('result = progress.delay(1)')
        expect(await python.eval('result.get(timeout=10)')).toBe(1)
        expect(await python.eval('result.state')).toBe('SUCCESS')
      })
    })

    describe('a TypeScript client and a Python worker', () => {
      let worker: Program
      beforeAll(async () => {
        worker = await startPythonWorker({ ...addresses, queues: ['python'] })
      })
      afterAll(() => worker.stop())

      const call = (task: string, args: unknown[], options = {}) =>
        app.sendTask(task, { args, queue: 'python', ...options }).get({ timeout: 15 })

      it('gives the value', async () => {
        expect(await call('tasks.add', [4, 4])).toBe(8)
        expect(await call('tasks.add', [], { kwargs: { x: 'smör', y: 'gås' } })).toBe('smörgås')
      })

      it('runs a task again that asks for it', async () => {
        expect(await call('tasks.flaky', [7])).toBe(7)
      })

      it('throws what the task raised', async () => {
        const error = await call('tasks.boom', ['no good']).catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(RemoteError)
        expect(error).toMatchObject({
          name: 'ValueError',
          message: 'no good',
          excModule: 'builtins',
          traceback: expect.stringContaining('Traceback (most recent call last)'),
        })
      })

      it('hands over what the message says', async () => {
        const request = await call('tasks.echo_request', [1], {
          headers: { tenant: 'acme' },
          timeLimit: 300,
          softTimeLimit: 200,
        })
        expect(request).toMatchObject({
          task: 'tasks.echo_request',
          lang: 'js',
          retries: 0,
          timelimit: [300, 200],
          argsrepr: '(1,)',
          kwargsrepr: '{}',
          reply_to: app.oid,
          delivery_info: { exchange: '', routing_key: 'python' },
        })
      })

      it('follows a link back to a TypeScript worker', async () => {
        const worker = new Worker(app, { hostname: 'ts2@test' })
        await worker.start()
        const link = signature('tasks.mul', [10], { options: { taskId: `link-${name}`, queue: 'celery' } })
        await call('tasks.add', [1, 2], { link })
        expect(await app.asyncResult(`link-${name}`).get({ timeout: 10 })).toBe(30)
        await worker.stop()
      })
    })

    it('has one worker of each kind answer for itself', async () => {
      const ts = new Worker(app, { hostname: 'ts3@test' })
      await ts.start()
      const py = await startPythonWorker({ ...addresses, name: 'py3@test' })
      expect(await app.control.ping({ destination: ['ts3@test', 'py3@test'], timeout: 5 })).toEqual({
        'ts3@test': { ok: 'pong' },
        'py3@test': { ok: 'pong' },
      })
      await py.stop()
      await ts.stop()
    })
  })
}

/** The tasks of test/support/python/tasks.py, in TypeScript. */
function defineTasks(app: Celery): void {
  app.task('tasks.add', (x: number, y: number) => x + y)
  app.task('tasks.mul', (x: number, y: number) => x * y)
  app.task('tasks.echo', (value: unknown) => value)
  app.task('tasks.boom', (msg = 'boom') => {
    throw new RangeError(msg)
  })
  app.task('tasks.custom_boom', () => {
    throw Object.assign(new Error('a'), { excType: 'CustomError', excArgs: ['a', 2], excModule: 'tasks' })
  })
  app.task(
    'tasks.flaky',
    (self, result: number) => {
      if (self.request.retries < 1) self.retry({ countdown: 0.1, exc: new Error('not yet') })
      return result
    },
    { bind: true },
  )
  app.task(
    'tasks.progress',
    async (self, steps: number) => {
      for (let step = 0; step < steps; step++) await self.updateState('PROGRESS', { current: step, total: steps })
      return steps
    },
    { bind: true },
  )
}
