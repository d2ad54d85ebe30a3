import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Celery } from '../../src/app/app.ts'
import { createLogger } from '../../src/log.ts'
import { Worker, type WorkerOptions } from '../../src/worker/worker.ts'
import { freshAmqpUrl, freshRedisUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'
import type { Program } from '../support/process.ts'
import { type PythonClient, pythonClient } from '../support/python/client.ts'
import { startPythonWorker } from '../support/python/worker.ts'
import { until } from '../support/wait.ts'

describeWith(['redis', 'rabbitmq', 'python'], 'a Python and a TypeScript worker side by side', () => {
  describe.each([
    ['Redis', freshRedisUrl],
    ['RabbitMQ', freshAmqpUrl],
  ])('over %s', (_, place) => {
    let broker: string
    let backend: string
    let app: Celery
    let python: PythonClient
    let ts: Worker | undefined
    let py: Program | undefined
    let lines: string[]

    beforeAll(async () => {
      broker = await place()
      backend = await freshRedisUrl()
      app = new Celery('company', { brokerUrl: broker, resultBackend: backend })
      app.task('tasks.add', (x: number, y: number) => x + y)
      python = await pythonClient({ broker, backend })
    })

    afterEach(async () => {
      await py?.stop()
      await ts?.stop()
    })

    afterAll(async () => {
      await python.stop()
      await app.close()
    })

    async function startOurs(options: WorkerOptions = {}) {
      lines = []
      const log = createLogger(({ message }) => lines.push(message), 'debug')
      ts = new Worker(app, { hostname: 'ts@test', log, taskEvents: true, ...options })
      await ts.start()
    }

    async function startTheirs() {
      const args = ['--pool=solo', '--loglevel=DEBUG', '-E']
      py = await startPythonWorker({ broker, backend, name: 'py@test', args })
    }

    const revokedBy = async (node: string) =>
      (await app.control.inspect({ destination: [node], timeout: 5 }).revoked())[node]

    it('each answers for itself, to either client', async () => {
      await startOurs()
      await startTheirs()
      const pongs = { 'py@test': { ok: 'pong' }, 'ts@test': { ok: 'pong' } }
      expect(await app.control.ping({ limit: 2, timeout: 5 })).toEqual(pongs)
      expect(await python.eval('{k: v for r in app.control.ping(timeout=5, limit=2) for k, v in r.items()}')).toEqual(
        pongs,
      )
    })

    it('ours asks theirs, and tells it what to do', async () => {
      await startTheirs()
      const to = { destination: ['py@test'], timeout: 5 }
      const asked = app.control.inspect(to)
      expect((await asked.registered('name'))['py@test']).toContain('tasks.add [name=tasks.add]')
      expect((await asked.activeQueues())['py@test']?.map(({ name }) => name)).toEqual(['celery'])
      expect((await asked.stats())['py@test']).toMatchObject({ pool: { 'max-concurrency': 1 } })
      expect((await asked.conf({ withDefaults: true }))['py@test']).toMatchObject({ task_default_queue: 'celery' })
      expect((await asked.report())['py@test']?.ok).toContain('software -> celery')
      expect((await asked.clock())['py@test']?.clock).toBeGreaterThan(0)
      for (const nothing of [asked.active(), asked.reserved(), asked.scheduled()])
        expect(await nothing).toEqual({ 'py@test': [] })
      expect(await asked.queryTask('unknown')).toEqual({ 'py@test': {} })

      const { control } = app
      const told = { ...to, reply: true }
      const said = async (order: Promise<Record<string, unknown>>) => (await order)['py@test']
      expect(await said(control.rateLimit('tasks.add', '10/m', told))).toEqual({
        ok: 'new rate limit set successfully',
      })
      expect(await said(control.timeLimit('tasks.add', { soft: 5, hard: 9 }, told))).toEqual({
        ok: 'time limits set successfully',
      })
      expect(await said(control.addConsumer('extra', told))).toEqual({ ok: 'add consumer extra' })
      expect(await said(control.cancelConsumer('extra', told))).toEqual({ ok: 'no longer consuming from extra' })
      expect(await said(control.autoscale(3, 1, told))).toEqual({ error: "ValueError('Autoscale not enabled')" })
      expect(await said(control.poolRestart(told))).toEqual({ error: "ValueError('Pool restarts not enabled')" })
      expect(await said(control.heartbeat(told))).toBeNull()
      await control.revoke(['x', 'y'], told)
      expect(await revokedBy('py@test')).toEqual(expect.arrayContaining(['x', 'y']))
    })

    it('the one that comes later learns what is revoked: ours from theirs', async () => {
      await startTheirs()
      await python.eval('app.control.revoke(["a", "b"], reply=True, timeout=5, limit=1)')
      await startOurs()
      expect([...(ts?.state.revoked ?? [])].sort()).toEqual(['a', 'b'])
      expect(lines.filter((line) => line.startsWith('mingle'))).toEqual([
        ...['mingle: searching for neighbors', 'mingle: sync with 1 nodes', 'mingle: sync complete'],
      ])
    })

    it('the one that comes later learns what is revoked: theirs from ours', async () => {
      await startOurs()
      await app.control.revoke(['c', 'd'], { reply: true, limit: 1 })
      await startTheirs()
      expect(await revokedBy('py@test')).toEqual(expect.arrayContaining(['c', 'd']))
      expect(py?.output).toContain('mingle: sync with 1 nodes')
      expect(py?.output).toContain('mingle: sync complete')
      expect(lines).toContain('sync with py@test')
    })

    it('each sees the other come and go', async () => {
      await startOurs()
      await startTheirs()
      await until(() => lines.includes('py@test joined the party'), { describe: 'ours to see theirs' })
      await py?.until('ts@test joined the party')
      await ts?.stop()
      await py?.until('ts@test left')
      await startOurs()
      await py?.stop()
      await until(() => lines.includes('py@test left'), { describe: 'ours to see theirs go' })
    })

    it('ours notices when theirs is lost', async () => {
      await startOurs({ withoutMingle: true })
      await startTheirs()
      await until(() => lines.includes('py@test joined the party'), { describe: 'ours to see theirs' })
      py?.kill()
      await until(() => lines.includes('missed heartbeat from py@test'), {
        describe: 'ours to miss theirs',
        timeoutMs: 15_000,
      })
    })

    it('one of them carries out what they elect one for', async () => {
      await startOurs()
      await startTheirs()
      await until(() => lines.includes('py@test joined the party'), { describe: 'ours to see theirs' })
      await py?.until('ts@test joined the party')
      await python.eval('from celery import signature')
      const before = ts?.state.total.get('tasks.add') ?? 0
      await python.eval('app.control.election("e1", "task", dict(signature("tasks.add", (20, 3), app=app)))')
      const ours = () => lines.find((line) => /won the election|elected for/.test(line))
      await until(ours, { describe: 'ours to have a result' })
      await py?.until(/I won the election 'e1'|elected for 'e1'/)
      const wonByOurs = ours() === 'I won the election e1'
      expect(/I won the election 'e1'/.test(py?.output ?? '')).toBe(!wonByOurs)
      const runs = () =>
        (ts?.state.total.get('tasks.add') ?? 0) -
        before +
        (py?.output.match(/tasks\.add\[.*\] succeeded.*: 23/g)?.length ?? 0)
      await until(() => runs() > 0, { describe: 'the task to run' })
      expect(runs()).toBe(1)
    })
  })
})
