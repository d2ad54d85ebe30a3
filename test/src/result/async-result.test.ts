import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Celery } from '../../../src/celery.ts'
import { ManualClock } from '../../../src/clock.ts'
import { type ResultMeta, type ResultTuple, resultMeta } from '../../../src/protocol/result-meta.ts'
import type { AsyncResult } from '../../../src/result/async-result.ts'
import { GroupResult } from '../../../src/result/group-result.ts'
import { type Result, TimeoutError } from '../../../src/result/result.ts'
import { resultFromTuple } from '../../../src/result/tuple.ts'
import { Worker } from '../../../src/worker/worker.ts'

let app: Celery
/** The same, in real time: for workers and those who wait for them. */
let server: Celery
let worker: Worker | undefined
const clock = new ManualClock(0)

beforeEach(() => {
  const url = `memory://${randomUUID()}`
  app = new Celery('results', { brokerUrl: url, resultBackend: url }, { clock })
  server = new Celery('server', { brokerUrl: url, resultBackend: url })
})

afterEach(async () => {
  await worker?.stop()
  await app.close()
  await server.close()
  worker = undefined
})

async function stored(given: Partial<ResultMeta> = {}): Promise<AsyncResult> {
  const task_id = randomUUID()
  await (await app.backend()).store(resultMeta({ task_id, status: 'SUCCESS', ...given }, 1_795_166_773_796))
  return app.asyncResult(task_id)
}

const failure = { exc_type: 'ValueError', exc_message: ['no good'], exc_module: 'builtins' }

describe('the result of a task', () => {
  it('shows all that is known of it', async () => {
    const extended = { name: 'tasks.add', args: [1], kwargs: { y: 2 }, worker: 'w1@box', retries: 1, queue: 'calc' }
    const result = await stored({ result: 3, ...extended })
    expect([await result.state(), await result.result(), await result.info()]).toEqual(['SUCCESS', 3, 3])
    expect(await result.dateDone()).toEqual(new Date('2026-11-20T09:26:13.796Z'))
    expect(await result.traceback()).toBeNull()
    const shown = ['name', 'args', 'kwargs', 'worker', 'retries', 'queue'] as const
    expect(await Promise.all(shown.map((field) => result[field]()))).toEqual(Object.values(extended))
    expect([await result.ready(), await result.successful(), await result.failed()]).toEqual([true, true, false])
    await result.maybeThrow()
  })

  it('shows nothing of a task of which nothing is known', async () => {
    const result = app.asyncResult('nobody')
    expect(await result.state()).toBe('PENDING')
    expect(await result.children()).toEqual([])
    expect([await result.dateDone(), await result.name()]).toEqual([null, undefined])
  })

  it('shows the exception of a task that failed, and throws it when asked to', async () => {
    const result = await stored({ status: 'FAILURE', result: failure, traceback: 'Traceback …' })
    expect(await result.result()).toMatchObject({ name: 'ValueError', message: 'no good' })
    expect(await result.traceback()).toBe('Traceback …')
    await expect(result.maybeThrow()).rejects.toMatchObject({ name: 'ValueError' })
    expect(await result.get({ propagate: false })).toMatchObject({ name: 'ValueError' })
  })

  it('stays known once the task has ended, until it is forgotten', async () => {
    const result = await stored({ result: 3 })
    expect(await result.get()).toBe(3)
    await (await app.backend()).forget(result.id)
    expect([await result.get(), await result.state()]).toEqual([3, 'SUCCESS'])
    await result.forget()
    expect(await result.state()).toBe('PENDING')
  })

  it('is forgotten with those that led to it', async () => {
    const first = await stored({ result: 1 })
    const last = await stored({ result: 2 })
    const caller = await stored({ children: [[[last.id, first.toTuple()], null]] })
    const [child] = await caller.children()
    expect(child?.parent).toMatchObject({ id: first.id })
    await child?.forget()
    expect(await first.state()).toBe('PENDING')
    expect(await last.state()).toBe('PENDING')
  })

  it('gives what the task called: results, and groups of them', async () => {
    const parent = await stored({
      children: [
        [['one', null], null],
        [['group', null], [[['two', null], null]]],
      ],
    })
    const [one, group] = await parent.children()
    expect(one).toMatchObject({ id: 'one' })
    expect(group).toBeInstanceOf(GroupResult)
    expect(await group?.children()).toMatchObject([{ id: 'two' }])
  })

  it('is collected with all that it led to', async () => {
    const leaf = await stored({ result: 'leaf' })
    const middle = await stored({ result: 'middle', children: [leaf.toTuple()] })
    const root = await stored({ result: 'root', children: [middle.toTuple()] })
    const values: unknown[] = []
    for await (const [, value] of root.collect()) values.push(value)
    expect(values).toEqual(['root', 'middle', 'leaf'])
  })
})

it('the result of a chain may have more ancestors than the stack has room for', () => {
  let tuple: ResultTuple = [['0', null], null]
  for (let step = 1; step < 50_000; step++) tuple = [[String(step), tuple], null]
  let steps = 0
  for (let at: Result | undefined = resultFromTuple(tuple, app.results); at; at = at.parent) steps += 1
  expect(steps).toBe(50_000)
})

describe('waiting for a result', () => {
  it('ends with a TimeoutError that says how far the task has come', async () => {
    const late = app.asyncResult('late').get({ timeout: 5 })
    const running = (await stored({ status: 'STARTED' })).get({ timeout: 5 })
    const both = Promise.allSettled([late, running])
    await (await app.backend()).get('') // both wait now
    clock.advance(5_000)
    const [first, second] = await both
    expect(first).toMatchObject({ reason: { name: 'TimeoutError', code: 'TIMEOUT' } })
    expect(String((first as PromiseRejectedResult).reason)).toBe(
      'TimeoutError: no result of late within 5 s: it is PENDING, so it waits for a worker, or nobody ever sent it',
    )
    expect(String((second as PromiseRejectedResult).reason)).toMatch(/within 5 s: it is STARTED$/)
    expect((second as PromiseRejectedResult).reason).toBeInstanceOf(TimeoutError)
  })

  it('ends when it is told to', async () => {
    const controller = new AbortController()
    const waiting = app.asyncResult('never').get({ signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await expect(app.asyncResult('never').get({ signal: AbortSignal.abort(new Error('at once')) })).rejects.toThrow(
      'at once',
    )
  })

  it('is over at once when nothing is stored of the task', async () => {
    const result = await app.sendTask('tasks.add', { ignoreResult: true })
    expect(await result.get()).toBeUndefined()
  })

  it('is refused inside a task, unless the task insists', async () => {
    const add = server.task('tasks.add', (x: number, y: number) => x + y)
    const naive = server.task('tasks.naive', () => add.delay(1, 2).get())
    const insisting = server.task('tasks.insisting', () => add.delay(1, 2).get({ disableSyncSubtasks: false }))
    worker = new Worker(server, { hostname: 'w1@test', concurrency: 2 })
    await worker.start()
    await expect(naive.delay().get()).rejects.toThrow('a task waits for the result of another')
    expect(await insisting.delay().get()).toBe(3)
  })
})

describe('revoking', () => {
  it('keeps a task from being run, and gives what the workers answer', async () => {
    const ran: string[] = []
    const note = server.task('tasks.note', (text: string) => void ran.push(text))
    worker = new Worker(server, { hostname: 'w1@test' })
    await worker.start()
    const held = await note.applyAsync({ args: ['held'], countdown: 0.5 })
    const replies = await held.revoke({ wait: true, timeout: 1 })
    expect(replies).toEqual({ 'w1@test': { ok: `tasks {'${held.id}'} flagged as revoked` } })
    await expect(held.get()).rejects.toMatchObject({ name: 'TaskRevokedError' })
    expect(ran).toEqual([])
  })
})
