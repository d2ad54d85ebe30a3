import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { queue } from '../../src/app/queues.ts'
import { Celery } from '../../src/celery.ts'
import { Worker } from '../../src/worker/worker.ts'
import { freshAmqpUrl, freshRedisUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'
import type { Program } from '../support/process.ts'
import { type PythonClient, pythonClient } from '../support/python/client.ts'
import { startPythonWorker } from '../support/python/worker.ts'

/** What a message may be besides plain, in both directions; python.test.ts has the plain ones. */

const acceptContent = ['json', 'yaml', 'msgpack']
const settings = { accept_content: acceptContent, result_extended: true }

const brokers = [
  { name: 'Redis', open: freshRedisUrl, urgent: 0, idle: 9 },
  { name: 'RabbitMQ', open: freshAmqpUrl, urgent: 9, idle: 0 },
]

describe.each(brokers)('over $name', ({ open, urgent, idle }) => {
  describeWith(['redis', 'rabbitmq', 'python'], 'Python and TypeScript', () => {
    let broker: string
    let backend: string
    let app: Celery
    let order: number[] = []

    beforeAll(async () => {
      ;[broker, backend] = await Promise.all([open(), freshRedisUrl()])
      const taskQueues = ['celery', queue('ranked', { maxPriority: 9 })]
      const given = { acceptContent, taskQueues, resultExtended: true, resultBackend: backend }
      app = new Celery('matrix', { brokerUrl: broker, ...given })
      const add = app.task('tasks.add', (x: number, y: number) => x + y)
      app.task('tasks.echo', (value: unknown) => value)
      app.task('tasks.note', (n: number) => void order.push(n))
      app.task('tasks.replace', (self, x: number) => self.replace(add.s(x, 100)), { bind: true })
    })

    afterAll(() => app.close())

    describe('from Python to TypeScript', () => {
      let worker: Worker
      let python: PythonClient

      beforeAll(async () => {
        worker = new Worker(app, { hostname: 'ts@matrix', queues: ['celery'] })
        await worker.start()
        python = await pythonClient({ broker, backend, settings })
      })

      afterAll(async () => {
        await python.stop()
        await worker.stop()
      })

      const raised = (call: string) =>
        `try:\n    value = ${call}.get(timeout=10)\nexcept Exception as error:\n    value = [type(error).__name__, list(error.args)]\nvalue`

      it.each([
        ['yaml', `add.apply_async((4, 4), serializer='yaml').get(timeout=10)`, 8],
        ['msgpack', `add.apply_async((4, 4), serializer='msgpack').get(timeout=10)`, 8],
        ['gzip', `add.apply_async(('smör', 'gås'), compression='gzip').get(timeout=10)`, 'smörgås'],
        ['msgpack and gzip', `add.apply_async((4, 4), serializer='msgpack', compression='gzip').get(timeout=10)`, 8],
        ['what has expired', raised('add.apply_async((1, 1), expires=-1)'), ['TaskRevokedError', ['expired']]],
        ['a replaced task', `replace.delay(5).get(timeout=10)`, 105],
        ['a time of its own', `add.apply_async((1, 1), countdown=0.1, expires=60).get(timeout=10)`, 2],
      ])('%s', async (_what, source, value) => expect(await python.eval(source)).toEqual(value))

      it('pickle is refused by name, and nothing of it is read', async () => {
        const call = `add.apply_async((1, 1), serializer='pickle')`
        const [name, [message]] = await python.eval<[string, string[]]>(raised(call))
        expect([name, message]).toEqual([
          'ContentDisallowed',
          expect.stringContaining("content of type 'application/x-python-serialize' is refused"),
        ])
      })

      it('a result tells all there is to tell', async () => {
        await python.eval('result = add.apply_async((4,), {"y": 5})\nresult.get(timeout=10)')
        expect(await python.eval('[result.name, result.args, result.kwargs, result.worker, result.queue]')).toEqual([
          'tasks.add',
          [4],
          { y: 5 },
          'ts@matrix',
          'celery',
        ])
      })

      it('a revoked task', async () => {
        await python.eval('late = add.apply_async((1, 1), countdown=0.5)\napp.control.revoke(late.id, reply=True)')
        expect(await python.eval(raised('late'))).toEqual(['TaskRevokedError', ['revoked']])
      })

      it('the most urgent first', async () => {
        order = []
        const source = [idle, urgent].map(
          (priority) => `app.send_task("tasks.note", (${priority},), queue="ranked", priority=${priority}).id`,
        )
        await app.transport().then((transport) => transport.declare(app.queues.get('ranked')))
        await python.eval(
          'from kombu import Queue\napp.amqp.queues.add(Queue("ranked", max_priority=9))\n' +
            `ids = [${source.join(', ')}]`,
        )
        const one = new Worker(app, { hostname: 'one@matrix', queues: ['ranked'], concurrency: 1 })
        await one.start()
        await python.eval('[app.AsyncResult(id).get(timeout=10) for id in ids]')
        await one.stop()
        expect(order).toEqual([urgent, idle])
      })
    })

    describe('from TypeScript to Python', () => {
      let worker: Program

      beforeAll(async () => {
        const own = { ...settings, task_default_queue: 'python' }
        const options = { queues: ['python'], args: ['--pool=prefork', '--concurrency=1', '--without-mingle'] }
        worker = await startPythonWorker({ broker, backend, settings: own, name: 'py@matrix', ...options })
      })

      afterAll(() => worker.stop())

      const call = (task: string, args: unknown[], options = {}) =>
        app.sendTask(task, { args, queue: 'python', ...options })
      const value = (task: string, args: unknown[], options = {}) => call(task, args, options).get({ timeout: 15 })

      it.each([
        ['yaml', { serializer: 'yaml' }],
        ['msgpack', { serializer: 'msgpack' }],
        ['gzip', { compression: 'gzip' }],
        ['msgpack and gzip', { serializer: 'msgpack', compression: 'gzip' }],
      ])('%s', async (_what, options) => expect(await value('tasks.add', ['smör', 'gås'], options)).toBe('smörgås'))

      it('a replaced task', async () => expect(await value('tasks.replace', [5])).toBe(105))

      it('what has expired', async () => {
        const expired = value('tasks.add', [1, 1], { expires: new Date(Date.now() - 1_000) })
        // A broker may drop it before the worker sees it.
        await expect(expired).rejects.toMatchObject({ name: expect.stringMatching(/TaskRevokedError|TimeoutError/) })
      })

      it('a revoked task', async () => {
        const late = await call('tasks.add', [1, 1], { countdown: 1 })
        await late.revoke({ wait: true })
        await expect(late.get({ timeout: 15 })).rejects.toMatchObject({ name: 'TaskRevokedError', message: 'revoked' })
      })

      it('limits', async () => {
        await expect(value('tasks.limited', [5])).rejects.toMatchObject({ name: 'SoftTimeLimitExceeded' })
        await expect(value('tasks.hard', [5])).rejects.toMatchObject({ name: 'TimeLimitExceeded' })
      })

      it('progress on the way', async () => {
        const seen: unknown[] = []
        const onMessage = ({ status, result }: { status: string; result: unknown }) => seen.push([status, result])
        expect(await call('tasks.progress', [2]).get({ timeout: 15, onMessage })).toBe(2)
        expect(seen).toContainEqual(['PROGRESS', { current: 1, total: 2 }])
      })

      it('what it does not know', async () => {
        await expect(value('tasks.nope', [])).rejects.toMatchObject({ name: 'NotRegistered', message: 'tasks.nope' })
      })

      it('a result tells all there is to tell', async () => {
        const result = await call('tasks.add', [4], { kwargs: { y: 5 } })
        expect(await result.get({ timeout: 15 })).toBe(9)
        const told = [result.name(), result.args(), result.kwargs(), result.worker(), result.queue()]
        expect(await Promise.all(told)).toEqual(['tasks.add', [4], { y: 5 }, 'py@matrix', 'python'])
      })
    })
  })
})
