import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import type { Backend, BackendOptions } from '../../src/backend/backend.ts'
import { type ResultMeta, resultMeta } from '../../src/protocol/result-meta.ts'

/** What a result backend promises; each of its implementations runs the same cases. */
export function backendConformance(open: (options?: Partial<BackendOptions>) => Promise<Backend>): void {
  const opened: Backend[] = []
  const connect = async (options?: Partial<BackendOptions>) => {
    const backend = await open(options)
    opened.push(backend)
    return backend
  }
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((backend) => backend.close()))
  })

  describe('storing', () => {
    it('gives back what was stored, whole', async () => {
      const backend = await connect()
      const meta = success({ a: [1, 'ö', null, 2.5], b: { c: true } }, { children: [[['child', null], null]] })
      await backend.store(meta)
      expect(await backend.get(meta.task_id)).toEqual(meta)
    })

    it('knows nothing of a task that nobody stored', async () => {
      expect(await (await connect()).get(randomUUID())).toBeUndefined()
    })

    it('shows the newest state', async () => {
      const backend = await connect()
      const task_id = randomUUID()
      for (const status of ['STARTED', 'PROGRESS', 'FAILURE']) await backend.store(resultMeta({ task_id, status }, 0))
      expect((await backend.get(task_id))?.status).toBe('FAILURE')
    })

    it('never overwrites a success', async () => {
      const backend = await connect()
      const meta = success('first')
      await backend.store(meta)
      await backend.store(resultMeta({ task_id: meta.task_id, status: 'FAILURE', result: 'late' }, 0))
      await backend.store({ ...meta, result: 'second' })
      expect(await backend.get(meta.task_id)).toEqual(meta)
    })

    it('does not change when the caller changes what it stored', async () => {
      const backend = await connect()
      const value = { n: 1 }
      const meta = success(value)
      await backend.store(meta)
      value.n = 2
      expect((await backend.get(meta.task_id))?.result).toEqual({ n: 1 })
    })

    it('shows another connection what was stored', async () => {
      const meta = success(1)
      await (await connect()).store(meta)
      expect(await (await connect()).get(meta.task_id)).toEqual(meta)
    })

    it('forgets when told to', async () => {
      const backend = await connect()
      const meta = success(1)
      await backend.store(meta)
      await backend.forget(meta.task_id)
      expect(await backend.get(meta.task_id)).toBeUndefined()
    })
  })

  describe('watching', () => {
    it('tells what is stored already', async () => {
      const backend = await connect()
      const meta = success(1)
      await backend.store(meta)
      const seen = await watch(backend, meta.task_id)
      expect(await seen.next()).toEqual(meta)
    })

    it('tells every change in its order, also to another connection', async () => {
      const task_id = randomUUID()
      const seen = await watch(await connect(), task_id)
      const writer = await connect()
      for (const done of [1, 2]) {
        await writer.store(resultMeta({ task_id, status: 'PROGRESS', result: { done } }, 0))
      }
      await writer.store(resultMeta({ task_id, status: 'SUCCESS', result: 3 }, 0))
      const results = [await seen.next(), await seen.next(), await seen.next()].map((meta) => meta.result)
      expect(results).toEqual([{ done: 1 }, { done: 2 }, 3])
    })

    it('tells all who watch one task, and nothing of others', async () => {
      const backend = await connect()
      const meta = success('mine')
      const watchers = [await watch(backend, meta.task_id), await watch(backend, meta.task_id)]
      await backend.store(success('other'))
      await backend.store(meta)
      expect(await Promise.all(watchers.map((seen) => seen.next()))).toEqual([meta, meta])
    })

    it('is silent once it is ended', async () => {
      const backend = await connect()
      const meta = success(1)
      const ended = await watch(backend, meta.task_id)
      const lasting = await watch(backend, meta.task_id)
      ended.stop()
      await backend.store(meta)
      await lasting.next()
      expect(ended.size).toBe(0)
    })
  })
}

function success(result: unknown, overrides: Partial<ResultMeta> = {}): ResultMeta {
  return { ...resultMeta({ task_id: randomUUID(), status: 'SUCCESS', result }, 1_795_166_773_796), ...overrides }
}

async function watch(backend: Backend, taskId: string) {
  const seen: ResultMeta[] = []
  const waiting: ((meta: ResultMeta) => void)[] = []
  const stop = await backend.watch(taskId, (meta) => {
    const waiter = waiting.shift()
    if (waiter) waiter(meta)
    else seen.push(meta)
  })
  return {
    stop,
    get size() {
      return seen.length
    },
    next: () =>
      new Promise<ResultMeta>((resolve) => {
        const meta = seen.shift()
        if (meta) resolve(meta)
        else waiting.push(resolve)
      }),
  }
}
