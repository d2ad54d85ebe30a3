import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoadedApp, loadApp } from '../../src/app/load.ts'
import { createLogger } from '../../src/log.ts'
import { Worker, type WorkerOptions } from '../../src/worker/worker.ts'
import { freshRedisUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'
import { type PythonClient, pythonClient } from '../support/python/client.ts'
import { until } from '../support/wait.ts'

describeWith(['redis', 'python'], 'a TypeScript worker with children over Redis', () => {
  let loaded: LoadedApp
  let broker: string
  const lines: string[] = []
  const log = createLogger(({ message }) => lines.push(message))

  async function serve(options: WorkerOptions): Promise<Worker> {
    const worker = new Worker(loaded.app, { log, appPath: loaded.spec, concurrency: 1, ...options })
    await worker.start()
    return worker
  }

  beforeAll(async () => {
    broker = await freshRedisUrl()
    Object.assign(process.env, { CELERY_BROKER_URL: broker, CELERY_RESULT_BACKEND: broker, VISIBILITY_TIMEOUT: '1' })
    loaded = await loadApp(join(import.meta.dirname, '../src/worker/fixtures/app.ts'))
  })
  afterAll(() => loaded.app.close())

  describe('and a Python client', () => {
    let python: PythonClient
    let worker: Worker
    beforeAll(async () => {
      python = await pythonClient({ broker, backend: broker })
      await python.eval('from celery.exceptions import *')
      worker = await serve({ pool: 'prefork', concurrency: 2 })
    })
    afterAll(async () => {
      await worker.stop()
      await python.stop()
    })

    const caught = (call: string, error: string) =>
      python.eval(
        `try:\n    value = ${call}.get(timeout=20)\nexcept ${error} as error:\n    value = [type(error).__module__, list(error.args)]\nvalue`,
      )

    it('give it the value', async () => {
      expect(await python.eval('app.send_task("tasks.add", (4, 4)).get(timeout=20)')).toBe(8)
    })

    it.each([
      ['app.send_task("tasks.compute", time_limit=0.5)', 'TimeLimitExceeded', [0.5]],
      ['app.send_task("tasks.wait", (60000,), soft_time_limit=0.2)', 'SoftTimeLimitExceeded', []],
      [
        'app.send_task("tasks.die", ("SIGKILL",))',
        'WorkerLostError',
        ['Worker exited prematurely: signal 9 (SIGKILL).'],
      ],
    ])('let it catch %s', async (call, error, args) => {
      expect(await caught(call, error)).toEqual(['billiard.exceptions', args])
    })

    it('let it end a task that runs', async () => {
      await python.eval(
        'import time\nresult = app.send_task("tasks.compute")\nwhile not app.control.inspect(timeout=2).active():\n    time.sleep(0.1)\nresult.revoke(terminate=True, signal="SIGKILL")',
      )
      expect(await caught('result', 'TaskRevokedError')).toEqual(['celery.exceptions', ['terminated']])
    })

    it('tell it of their pool', async () => {
      const stats = await python.eval<Record<string, { pool: object }>>('app.control.inspect(timeout=2).stats()')
      expect(Object.values(stats)[0]?.pool).toMatchObject({ 'max-concurrency': 2, writes: { strategy: 'fair' } })
    })
  })

  it.each(['prefork', 'threads'])(
    'keeps its claims and its heartbeat while a task of the pool %s computes',
    async (pool) => {
      lines.length = 0
      const busy = await serve({ pool, hostname: 'busy@test' })
      let beats = 0
      await loaded.app.events.receive(({ type, hostname, active }) => {
        if (type === 'worker-heartbeat' && hostname === 'busy@test' && active === 1) beats += 1
      })
      const result = await loaded.app.sendTask('tasks.computeFor', { args: [4_500] })
      await until(() => busy.state.active.size, { describe: 'the task to run' })
      const other = await serve({ pool: 'async', hostname: 'idle@test' })
      expect(await result.get({ timeout: 20 })).toBe('computed')
      expect(lines.filter((line) => /tasks.computeFor\[.*received/.test(line))).toHaveLength(1)
      expect(beats).toBeGreaterThan(0)
      await other.stop()
      await busy.stop()
    },
  )
})
