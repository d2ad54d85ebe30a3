import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Celery } from '../../../src/celery.ts'
import { resultMeta } from '../../../src/protocol/result-meta.ts'
import { ResultSet } from '../../../src/result/group-result.ts'

let app: Celery

beforeEach(() => {
  const url = `memory://${randomUUID()}`
  app = new Celery('results', { brokerUrl: url, resultBackend: url })
})

afterEach(() => app.close())

const ids = ['a', 'b', 'c']
const setOf = () => new ResultSet(ids.map((id) => app.asyncResult<number>(id)))

const failure = { exc_type: 'ValueError', exc_message: ['no good'], exc_module: 'builtins' }

async function end(task_id: string, result: unknown, status = 'SUCCESS') {
  await (await app.backend()).store(resultMeta({ task_id, status, result }, 0))
}

describe('a set of results', () => {
  it('gives all values in the order of its results, whatever the order they came in', async () => {
    const values = setOf().get({ timeout: 5 })
    for (const [id, value] of [
      ['c', 3],
      ['a', 1],
      ['b', 2],
    ] as const)
      await end(id, value)
    expect(await values).toEqual([1, 2, 3])
  })

  it('throws the first failure without waiting for the rest', async () => {
    const values = setOf().get({ timeout: 60 })
    await end('b', failure, 'FAILURE')
    await expect(values).rejects.toMatchObject({ name: 'ValueError' })
  })

  it('holds failures among its values when it shall not throw', async () => {
    await end('a', 1)
    await end('b', failure, 'FAILURE')
    await end('c', 3)
    expect(await setOf().get({ propagate: false })).toEqual([1, expect.objectContaining({ name: 'ValueError' }), 3])
  })

  it('can be gone through as its results come', async () => {
    const seen: unknown[] = []
    await end('b', 2)
    for await (const [result, value] of setOf().iterate({ timeout: 5 })) {
      seen.push([(result as { id?: string }).id, value])
      if (seen.length === 1) await end('c', 3)
      if (seen.length === 2) await end('a', 1)
    }
    expect(seen).toEqual([
      ['b', 2],
      ['c', 3],
      ['a', 1],
    ])
  })

  it('knows how far it has come', async () => {
    const set = setOf()
    const facts = async () => [
      await set.ready(),
      await set.waiting(),
      await set.completedCount(),
      await set.failed(),
      await set.successful(),
    ]
    expect(await facts()).toEqual([false, true, 0, false, false])
    await end('a', 1)
    await end('b', failure, 'FAILURE')
    expect(await facts()).toEqual([false, true, 1, true, false])
    await end('c', 3)
    expect(await facts()).toEqual([true, false, 2, true, false])
    await expect(set.maybeThrow()).rejects.toMatchObject({ name: 'ValueError' })
    await set.forget()
    expect(await facts()).toEqual([false, true, 0, false, false])
  })

  it('is ready and successful when it is empty', async () => {
    const none = new ResultSet([])
    expect([await none.get(), await none.ready(), await none.successful()]).toEqual([[], true, true])
  })
})

describe('a group of results', () => {
  it('is found again under its id, with its members', async () => {
    const inner = app.groupResult('inner', [app.asyncResult('b')])
    const group = app.groupResult('outer', [app.asyncResult('a'), inner])
    await group.save()
    const restored = await app.restoreGroup('outer')
    expect(restored?.toTuple()).toEqual(group.toTuple())
    await end('a', 1)
    await end('b', 2)
    expect(await restored?.get()).toEqual([1, [2]])
    await group.delete()
    expect(await app.restoreGroup('outer')).toBeUndefined()
  })

  it('cannot be saved where groups are not kept', async () => {
    const elsewhere = new Celery('rpc', { brokerUrl: `memory://${randomUUID()}`, resultBackend: 'rpc://' })
    const refusal = { code: 'UNSUPPORTED', message: 'rpc:// keeps no groups' }
    await expect(elsewhere.groupResult('g', []).save()).rejects.toMatchObject(refusal)
    await expect(elsewhere.restoreGroup('g')).rejects.toMatchObject(refusal)
    await elsewhere.close()
  })
})
