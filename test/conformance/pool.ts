import { describe, expect, it } from 'vitest'
import type { TaskRequest } from '../../src/app/context.ts'
import type { Pool } from '../../src/pool/pool.ts'
import { taskMessage } from '../../src/protocol/task-message.ts'

/**
 * What a pool promises; each of its implementations runs the same cases.
 *
 * @param open makes a pool of that size which knows the tasks `echo(value)`, `fail(message)` and `gate(name)`; the
 * last one runs until `release(name)` is called
 */
export function poolConformance(
  open: (concurrency: number) => Promise<{ pool: Pool; release(name: string): void }>,
): void {
  describe('running', () => {
    it('resolves with how the task ended', async () => {
      const { pool } = await open(1)
      expect(await pool.run(request('echo', 8))).toMatchObject({ state: 'SUCCESS', value: 8 })
      expect(await pool.run(request('fail', 'no good'))).toMatchObject({
        state: 'FAILURE',
        error: { info: { exc_type: 'Exception', exc_message: ['no good'] } },
      })
      await pool.stop()
    })

    it('runs no more than its size, and begins the others in order', async () => {
      const { pool, release } = await open(2)
      const started: string[] = []
      const runs = ['a', 'b', 'c', 'd'].map((name) =>
        pool.run(request('gate', name), { onStart: () => started.push(name) }),
      )
      await Promise.resolve()
      expect(started).toEqual(['a', 'b'])
      release('b')
      await runs[1]
      expect(started).toEqual(['a', 'b', 'c'])
      release('a')
      await runs[0]
      expect(started).toEqual(['a', 'b', 'c', 'd'])
      release('c')
      release('d')
      await pool.stop()
    })

    it('goes on after a task that failed', async () => {
      const { pool } = await open(1)
      const runs = [pool.run(request('fail', 'x')), pool.run(request('echo', 1))]
      expect((await Promise.all(runs)).map((outcome) => outcome.state)).toEqual(['FAILURE', 'SUCCESS'])
      await pool.stop()
    })
  })

  describe('stopping', () => {
    it('waits for what runs and what stands in line', async () => {
      const { pool, release } = await open(1)
      const ended: string[] = []
      for (const name of ['a', 'b']) void pool.run(request('gate', name)).then(() => ended.push(name))
      const stopping = pool.stop().then(() => ended.push('stopped'))
      release('a')
      release('b')
      await stopping
      expect(ended).toEqual(['a', 'b', 'stopped'])
    })
  })
}

function request(task: string, arg: unknown): TaskRequest {
  const deliveryInfo = { exchange: '', routingKey: 'celery', priority: 0, redelivered: false }
  return { ...taskMessage({ task, id: `${task}-${String(arg)}`, args: [arg] }), hostname: 'w1@test', deliveryInfo }
}
