import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Celery } from '../../src/celery.ts'
import { createEmbeddedBroker } from '../../src/embedded/broker.ts'
import { Worker } from '../../src/worker/worker.ts'
import { freshAmqpUrl, freshPostgresqlUrl, freshRedisUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'
import type { PartName } from '../support/provision/part.ts'
import { pythonClient } from '../support/python/client.ts'
import { startPythonWorker } from '../support/python/worker.ts'

interface Addresses {
  broker: string
  backend: string
  stop?(): Promise<void>
}

interface Place {
  title: string
  needs: PartName[]
  open(): Promise<Addresses>
}

const places: Place[] = [
  {
    title: 'rpc:// over RabbitMQ',
    needs: ['rabbitmq'],
    open: async () => ({ broker: await freshAmqpUrl(), backend: 'rpc://' }),
  },
  {
    title: 'rpc:// over Redis',
    needs: ['redis'],
    open: async () => ({ broker: await freshRedisUrl(), backend: 'rpc://' }),
  },
  {
    title: 'rpc:// over the embedded broker',
    needs: [],
    async open() {
      const embedded = createEmbeddedBroker({ password: 'not guessed' })
      await embedded.start()
      return { broker: embedded.url, backend: 'rpc://', stop: () => embedded.stop() }
    },
  },
  {
    title: 'SQLite',
    needs: ['redis'],
    async open() {
      const directory = await mkdtemp(join(tmpdir(), 'celery-sandbox-sqlite-'))
      const stop = () => rm(directory, { recursive: true })
      return { broker: await freshRedisUrl(), backend: `db+sqlite:///${join(directory, 'results.db')}`, stop }
    },
  },
  {
    title: 'PostgreSQL',
    needs: ['redis', 'postgresql'],
    open: async () => ({ broker: await freshRedisUrl(), backend: `db+${await freshPostgresqlUrl()}` }),
  },
]

/** The peer of the class in tasks.py. */
class CustomError extends Error {}

/** Values that JSON and Python's pickle both carry. */
const values = [8, -1.5, 'smörgås 🥬', null, true, [], [1, [2]], { a: { b: [null, false] } }, 2 ** 40]

for (const { title, needs, open } of places) {
  describeWith(['python', ...needs], `results by ${title}`, () => {
    let at: Addresses
    let app: Celery
    beforeAll(async () => {
      at = await open()
      const settings = { brokerUrl: at.broker, resultBackend: at.backend }
      app = new Celery('results', settings, { errors: { 'tasks.CustomError': CustomError } })
      app.task('tasks.echo', (value: unknown) => value)
      app.task('tasks.boom', (message = 'boom') => {
        throw new RangeError(message)
      })
      app.task(
        'tasks.progress',
        async (self, steps: number) => {
          for (let step = 0; step < steps; step++) await self.updateState('PROGRESS', { current: step, total: steps })
          return steps
        },
        { bind: true },
      )
    })
    afterAll(async () => {
      await app.close()
      await at.stop?.()
    })

    describe('of a TypeScript worker', () => {
      it('reach a Python caller', async () => {
        const worker = new Worker(app, { hostname: 'ts@results' })
        await worker.start()
        await using python = await pythonClient(at)
        const given = JSON.stringify(JSON.stringify(values))
        expect(await python.eval(`import json\n[echo.delay(v).get(timeout=10) for v in json.loads(${given})]`)).toEqual(
          values,
        )
        const caught =
          'try:\n  boom.delay("no good").get(timeout=10)\nexcept ValueError as e:\n  caught = repr(e)\ncaught'
        expect(await python.eval(caught)).toBe("ValueError('no good')")
        expect(await python.eval('result = progress.delay(2)\nresult.get(timeout=10), result.state')).toEqual([
          2,
          'SUCCESS',
        ])
        await worker.stop()
      })
    })

    describe('of a Python worker', () => {
      it('reach a TypeScript caller', async () => {
        await using _worker = await startPythonWorker({ ...at, queues: ['python'] })
        const call = (task: string, args: unknown[]) => app.sendTask(task, { args, queue: 'python' })
        const results = values.map((value) => call('tasks.echo', [value]).get({ timeout: 15 }))
        expect(await Promise.all(results)).toEqual(values.map((value) => ({ args: [value], kwargs: {} })))
        await expect(call('tasks.boom', ['no good']).get({ timeout: 15 })).rejects.toMatchObject({
          name: 'ValueError',
          message: 'no good',
          excModule: 'builtins',
          traceback: expect.stringContaining('Traceback (most recent call last)'),
        })
        await expect(call('tasks.boom', []).get({ timeout: 15 })).rejects.toBeInstanceOf(RangeError)
        await expect(call('tasks.custom_boom', []).get({ timeout: 15 })).rejects.toBeInstanceOf(CustomError)
        const states: string[] = []
        expect(await call('tasks.progress', [2]).get({ timeout: 15, onMessage: (m) => states.push(m.status) })).toBe(2)
        expect(states.at(-1)).toBe('SUCCESS')
      })
    })
  })
}

describeWith(['redis', 'python'], 'saved groups of results', () => {
  it('are found by Python and by TypeScript, whoever saved them', async () => {
    const backend = await freshRedisUrl()
    const app = new Celery('groups', { resultBackend: backend })
    await using python = await pythonClient({ broker: 'memory://', backend })
    await app.groupResult('ours', [app.asyncResult('a'), app.groupResult('inner', [app.asyncResult('b')])]).save()
    const tuple = [
      ['ours', null],
      [
        [['a', null], null],
        [['inner', null], [[['b', null], null]]],
      ],
    ]
    expect(await python.eval('GroupResult.restore("ours", app=app).as_tuple()')).toEqual(tuple)
    await python.eval('GroupResult("theirs", GroupResult.restore("ours", app=app).results, app=app).save()')
    expect((await app.restoreGroup('theirs'))?.toTuple()).toEqual([['theirs', null], tuple[1]])
    await app.close()
  })
})
