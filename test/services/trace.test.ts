import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshAmqpUrl, freshRedisUrl } from '../support/fresh.ts'
import { describeWith, parts } from '../support/parts.ts'
import { type Program, run } from '../support/process.ts'
import { type PythonClient, pythonClient } from '../support/python/client.ts'
import { startPythonWorker } from '../support/python/worker.ts'

const bin = join(import.meta.dirname, '../../cli/bin.ts')
const fixture = join(import.meta.dirname, '../cli/trace/fixtures/app.ts')

interface Hint {
  readonly words?: string[]
  readonly env?: Record<string, string>
}

describeWith(['redis', 'rabbitmq', 'python'], 'trace of what Python sends and holds', () => {
  describe.each([
    ['Redis', freshRedisUrl],
    ['RabbitMQ', freshAmqpUrl],
  ] as const)('over %s', (name, place) => {
    let broker: string
    let backend: string
    let worker: Program
    let python: PythonClient
    beforeAll(async () => {
      broker = await place()
      backend = await freshRedisUrl()
      worker = await startPythonWorker({ broker, backend, name: 'py@test' })
      python = await pythonClient({ broker, backend })
    })
    afterAll(async () => {
      await python[Symbol.asyncDispose]()
      await worker.stop()
    })

    const send = (call: string) => python.eval(`(${call}).id`).then(String)
    const trace = (id: string, { words = [], env: more = {} }: Hint = {}) => {
      const env = { ...more, CELERY_BROKER_URL: broker, CELERY_RESULT_BACKEND: backend, NO_COLOR: '1' }
      return run(process.execPath, [bin, 'trace', id, '-A', fixture, ...words], { cwd: tmpdir(), env })
    }

    it('tells that a worker holds a task until its time, and how one ended', async () => {
      const { stdout, code } = await trace(await send('app.send_task("tasks.add", (1, 2), countdown=600)'))
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^ {2}now +scheduled +until \S+Z {2}\(py@test\)$/m)])
      const failed = await send('app.send_task("tasks.boom")')
      await worker.until(`${failed}] raised unexpected`)
      expect(await trace(failed)).toMatchObject({
        code: 4,
        stdout: expect.stringMatching(/^ {2}\d{4}-\S+Z +failed +ValueError\('boom'\)/m),
      })
    })

    it('finds what waits where that can be seen, and says so where it cannot', async () => {
      const waiting = await send(
        'app.send_task("tasks.add", (1, 2), queue="nobody", chain=[app.signature("tasks.mul", (5,))])',
      )
      const { code, stdout, stderr } = await trace(waiting)
      if (name === 'Redis') {
        expect([code, stdout]).toEqual([0, expect.stringContaining('waits          in nobody')])
        expect(stdout).toMatch(/^tasks\.add\(1, 2\)\n/)
        expect(stdout).toMatch(/^ {2}then +tasks\.mul\(5\)$/m)
      } else {
        expect([code, stdout]).toEqual([
          1,
          expect.stringContaining('not known from the queues: RabbitMQ shows a message'),
        ])
        expect(stderr).toMatch(/^error\[TASK_UNKNOWN\].*\n {2}It may wait in a queue that no worker serves/)
        const { port } = new URL(parts().rabbitmq.managementUrl)
        for (const hint of [{ words: ['-Q', 'nobody'] }, { env: { MANAGER_PORT: port } }]) {
          const told = (await trace(waiting, hint)).stderr
          expect(told).toMatch(/^error\[TASK_UNKNOWN\].*\n {2}It may be the message that waits where/)
        }
      }
    })

    it('does not know what nobody sent', async () => {
      expect(await trace(randomUUID())).toMatchObject({ code: 1, stderr: expect.stringContaining('TASK_UNKNOWN') })
    })
  })
})
