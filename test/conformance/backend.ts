import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import type { Backend, BackendOptions, ChordMember, ChordStore } from '../../src/backend/backend.ts'
import { type ResultMeta, resultMeta } from '../../src/protocol/result-meta.ts'

/** What not every backend does; those that cannot say why. */
export type Ability =
  | 'counts the ends of a chord'
  | 'keeps groups until they are deleted'
  | 'keeps the children of a task'
  | 'shows a connection that is opened later what was stored'
  | 'tells every change in its order'

/** What a result backend promises; each of its implementations runs the same cases. */
export function backendConformance(
  open: (options: Partial<BackendOptions>) => Promise<Backend>,
  cannot: { readonly [A in Ability]?: string } = {},
): void {
  const opened: Backend[] = []
  let oid = ''
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((backend) => backend.close()))
    oid = ''
  })

  async function writer(): Promise<Backend> {
    oid ||= randomUUID()
    const backend = await open({ oid })
    opened.push(backend)
    return backend
  }

  async function reader(): Promise<Backend> {
    const backend = await writer()
    await backend.listen?.()
    return backend
  }

  const store = (backend: Backend, meta: ResultMeta) =>
    backend.store(meta, { replyTo: oid, correlationId: meta.task_id })

  /** Stores, and waits until the reader can see all that was stored so far. */
  async function settle(by: Backend, to: Backend): Promise<void> {
    const last = success('last')
    await store(by, last)
    const seen = await watch(to, last.task_id)
    await seen.next()
    seen.stop()
  }

  async function stored(meta: ResultMeta): Promise<Backend> {
    const backend = await reader()
    await store(backend, meta)
    await settle(backend, backend)
    return backend
  }

  const itCan = (ability: Ability, test: () => Promise<void>) =>
    cannot[ability] ? it.skip(`${ability} (cannot: ${cannot[ability]})`) : it(ability, test)

  const itMayCount = (title: string, test: () => Promise<void>) =>
    cannot['counts the ends of a chord'] ? undefined : it(title, test)

  describe('storing', () => {
    it('gives back what was stored, whole', async () => {
      const meta = success({ a: [1, 'ö', null, 2.5], b: { c: true } })
      expect(await (await stored(meta)).get(meta.task_id)).toEqual(meta)
    })

    it('gives back an error as it was stored', async () => {
      const result = { exc_type: 'ValueError', exc_message: ['no good', 42], exc_module: 'builtins' }
      const meta = { ...success(result), status: 'FAILURE', traceback: 'Traceback …' }
      expect(await (await stored(meta)).get(meta.task_id)).toEqual(meta)
    })

    it('gives back what resultExtended adds', async () => {
      const extended = { name: 'tasks.add', args: [1], kwargs: { y: 2 }, worker: 'w1@box', retries: 1, queue: 'celery' }
      const meta = { ...success(3), ...extended }
      expect(await (await stored(meta)).get(meta.task_id)).toEqual(meta)
    })

    itCan('keeps the children of a task', async () => {
      const meta = { ...success(1), children: [[['child', null], null]] } satisfies ResultMeta
      expect(await (await stored(meta)).get(meta.task_id)).toEqual(meta)
    })

    it('knows nothing of a task that nobody stored', async () => {
      expect(await (await reader()).get(randomUUID())).toBeUndefined()
    })

    it('shows the newest state', async () => {
      const backend = await reader()
      const task_id = randomUUID()
      for (const status of ['STARTED', 'PROGRESS', 'FAILURE']) await store(backend, resultMeta({ task_id, status }, 0))
      await settle(backend, backend)
      expect((await backend.get(task_id))?.status).toBe('FAILURE')
    })

    it('never overwrites a success', async () => {
      const meta = success('first')
      const backend = await stored(meta)
      await store(backend, resultMeta({ task_id: meta.task_id, status: 'FAILURE', result: 'late' }, 0))
      await store(backend, { ...meta, result: 'second' })
      await settle(backend, backend)
      expect(await backend.get(meta.task_id)).toEqual(meta)
    })

    it('does not change when the caller changes what it stored', async () => {
      const value = { n: 1 }
      const meta = success(value)
      const backend = await stored(meta)
      value.n = 2
      expect((await backend.get(meta.task_id))?.result).toEqual({ n: 1 })
    })

    it('shows another connection what was stored', async () => {
      const other = await reader()
      const meta = success(1)
      const backend = await writer()
      await store(backend, meta)
      await settle(backend, other)
      expect(await other.get(meta.task_id)).toEqual(meta)
    })

    itCan('shows a connection that is opened later what was stored', async () => {
      const meta = success(1)
      await stored(meta)
      expect(await (await reader()).get(meta.task_id)).toEqual(meta)
    })

    it('forgets when told to', async () => {
      const meta = success(1)
      const backend = await stored(meta)
      await backend.forget(meta.task_id)
      expect(await backend.get(meta.task_id)).toBeUndefined()
    })
  })

  itCan('keeps groups until they are deleted', async () => {
    const { groups } = await writer()
    const other = (await writer()).groups
    if (!groups || !other) throw new Error('this backend keeps no groups: it says why in `cannot`')
    const id = randomUUID()
    await groups.save(id, [[id, [['parent', null], null]], [[['member', null], null]]])
    expect(await other.restore(id)).toEqual([[id, [['parent', null], null]], [[['member', null], null]]])
    await other.delete(id)
    expect(await groups.restore(id)).toBeUndefined()
  })

  describe('a chord', () => {
    const member = (id: string, index: number | null, result: unknown = id): ChordMember => ({
      id,
      index,
      state: 'SUCCESS',
      result,
    })

    /** Two connections to the counting of one chord, and its group's id. */
    async function counting(size: number): Promise<{ one: ChordStore; other: ChordStore; id: string }> {
      const one = (await writer()).chords
      const other = (await writer()).chords
      if (!one || !other) throw new Error('this backend counts no ends: it says why in `cannot`')
      const id = randomUUID()
      await one.expect(id, size, [[id, null], []])
      return { one, other, id }
    }

    itCan('counts the ends of a chord', async () => {
      const { one, other, id } = await counting(3)
      expect(await one.end(id, member('c', 2))).toBeUndefined()
      expect(await other.end(id, member('a', 0, { n: [1] }))).toBeUndefined()
      const ends = await one.end(id, { id: 'b', index: 1, state: 'FAILURE', result: { exc_type: 'Oh' } })
      expect(ends?.map(({ id, state, result }) => [id, state, result])).toEqual([
        ['a', 'SUCCESS', { n: [1] }],
        ['b', 'FAILURE', { exc_type: 'Oh' }],
        ['c', 'SUCCESS', 'c'],
      ])
    })

    itMayCount('counts a member once, however often and with whatever result it is told', async () => {
      const { one, other, id } = await counting(2)
      expect(await one.end(id, member('a', 0, 1))).toBeUndefined()
      expect(await other.end(id, member('a', 0, 2))).toBeUndefined()
      expect(await one.end(id, member('b', 1))).toHaveLength(2)
      // Another that is told again does not complete the chord a second time.
      expect(await other.end(id, member('a', 0, 3))).toBeUndefined()
    })

    itMayCount('gives the ends again to the one that completed it, which may have died', async () => {
      const { one, other, id } = await counting(2)
      await one.end(id, member('a', 0))
      const first = await one.end(id, member('b', 1))
      expect(await other.end(id, member('b', 1))).toEqual(first)
    })

    itMayCount('gives them to one alone, of many that end at the same time', async () => {
      const { one, other, id } = await counting(50)
      const told = await Promise.all(
        Array.from({ length: 50 }, (_, n) => (n % 2 ? one : other).end(id, member(`m${n}`, n))),
      )
      const [ends, ...more] = told.filter((given) => given !== undefined)
      expect(more).toEqual([])
      expect(ends?.map(({ result }) => result)).toEqual(Array.from({ length: 50 }, (_, n) => `m${n}`))
    })

    itMayCount('waits for ends that were added', async () => {
      const { one, other, id } = await counting(1)
      await other.extend(id, 2)
      expect(await one.end(id, member('a', 0))).toBeUndefined()
      expect(await one.end(id, member('b', 0))).toBeUndefined()
      expect(await one.end(id, member('c', null))).toHaveLength(3)
    })

    itMayCount('is forgotten', async () => {
      const { one, other, id } = await counting(1)
      await other.forget(id)
      expect(await one.end(id, member('a', 0))).toBeUndefined()
    })
  })

  describe('watching', () => {
    it('tells all who watch one task', async () => {
      const backend = await reader()
      const meta = success(1)
      const watchers = await Promise.all([1, 2, 3].map(() => watch(backend, meta.task_id)))
      await store(backend, meta)
      expect(await Promise.all(watchers.map((seen) => seen.next()))).toEqual([meta, meta, meta])
    })

    it('tells what is stored already', async () => {
      const meta = success(1)
      const seen = await watch(await stored(meta), meta.task_id)
      expect(await seen.next()).toEqual(meta)
    })

    it('tells another connection how a task ended', async () => {
      const meta = success(1)
      const seen = await watch(await reader(), meta.task_id)
      await store(await writer(), meta)
      expect(await seen.next()).toEqual(meta)
    })

    itCan('tells every change in its order', async () => {
      const task_id = randomUUID()
      const seen = await watch(await reader(), task_id)
      const from = await writer()
      for (const done of [1, 2]) {
        await store(from, resultMeta({ task_id, status: 'PROGRESS', result: { done } }, 0))
      }
      await store(from, resultMeta({ task_id, status: 'SUCCESS', result: 3 }, 0))
      const results = [await seen.next(), await seen.next(), await seen.next()].map((meta) => meta.result)
      expect(results).toEqual([{ done: 1 }, { done: 2 }, 3])
    })

    it('tells all who watch one task, and nothing of others', async () => {
      const backend = await reader()
      const meta = success('mine')
      const watchers = [await watch(backend, meta.task_id), await watch(backend, meta.task_id)]
      await store(backend, success('other'))
      await store(backend, meta)
      expect(await Promise.all(watchers.map((seen) => seen.next()))).toEqual([meta, meta])
    })

    it('is silent once it is ended', async () => {
      const backend = await reader()
      const meta = success(1)
      const ended = await watch(backend, meta.task_id)
      const lasting = await watch(backend, meta.task_id)
      ended.stop()
      await store(backend, meta)
      await lasting.next()
      expect(ended.size).toBe(0)
    })
  })
}

function success(result: unknown): ResultMeta {
  return resultMeta({ task_id: randomUUID(), status: 'SUCCESS', result, children: null }, 1_795_166_773_796)
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
