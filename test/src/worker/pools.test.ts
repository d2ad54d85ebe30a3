import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Celery } from '../../../src/celery.ts'
import { silentLogger } from '../../../src/log.ts'
import type { Event } from '../../../src/protocol/event.ts'
import { redirectConsole } from '../../../src/trace/redirect.ts'
import { Worker } from '../../../src/worker/worker.ts'
import { until } from '../../support/wait.ts'
import { openSite } from './site.ts'

const site = openSite()
const { serve, begun, waiting } = site
const call = (task: string, ...args: unknown[]) => site.app.sendTask(task, { args })
const nextEvent = async (type: string) => {
  const seen = Promise.withResolvers<Event>()
  await site.app.events.receive((event) => {
    if (event.type === type) seen.resolve(event)
  })
  return seen.promise
}
const lines = () => site.records.map(({ message }) => message.replace(/[0-9a-f-]{36}/g, 'ID'))

describe.each(['prefork', 'threads'])('a worker with the pool %s', (pool) => {
  it('runs tasks in its children', async () => {
    const worker = await serve({ pool, concurrency: 2 })
    expect(await call('tasks.add', 4, 4).get({ timeout: 10 })).toBe(8)
    expect(worker.banner).toContain(`concurrency: 2 (${pool})`)
  })

  it('lets each child prepare itself before its first task', async () => {
    await serve({ pool })
    expect(await call('tasks.isPrepared').get({ timeout: 10 })).toBe(true)
  })

  it('outlives what a task left behind: a forgotten await, a timer that throws', async () => {
    await serve({ pool })
    const pid = await call('tasks.stray').get({ timeout: 10 })
    const told = () => site.records.filter(({ level }) => level === 'error').length === 2
    await until(told, { describe: () => `two errors in the log; it has ${lines()}` })
    expect(lines()).toContain('A promise that no task waited for was rejected: not waited for')
    expect(lines()).toContain('Code that no task waited for has thrown: thrown by a timer')
    expect(await call('tasks.stray').get({ timeout: 10 })).toBe(pid)
  })

  it('has in its log what tasks print in its children', async () => {
    const giveBack = redirectConsole(silentLogger, 'warning')
    await serve({ pool })
    await call('tasks.print', 'printed').get({ timeout: 10 })
    giveBack()
    const record = await until(() => site.records.find(({ message }) => message === 'printed'), {
      describe: 'the line',
    })
    expect(record).toMatchObject({ level: 'warning', fields: { taskName: 'tasks.print' } })
  })

  it('does not start when its children cannot load the app, and says why', async () => {
    const broken = join(import.meta.dirname, 'fixtures/broken.ts')
    await expect(serve({ pool, appPath: broken })).rejects.toMatchObject({
      code: 'APP_BROKEN',
      message: expect.stringContaining('no such database'),
    })
  })

  it('is refused for an app that has no file', () => {
    expect(() => new Worker(new Celery('nowhere'), { pool })).toThrow(/this app has no file/)
  })
})

describe('a child that dies', () => {
  it('fails its task, and the next one finds another child', async () => {
    await serve({ pool: 'prefork' })
    const lost = call('tasks.die', 'SIGKILL').get({ timeout: 10 })
    await expect(lost).rejects.toMatchObject({
      excType: 'WorkerLostError',
      excModule: 'billiard.exceptions',
      message: 'Worker exited prematurely: signal 9 (SIGKILL).',
    })
    expect(await call('tasks.add', 1, 1).get({ timeout: 10 })).toBe(2)
    expect(lines()).toContain(
      "Task handler raised error: WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL).')",
    )
  })
})

describe('a message whose task kills every child', () => {
  it('is tried again so often as the setting allows; then its caller learns of it, and it is put aside', async () => {
    await serve({ pool: 'prefork' })
    await expect(call('tasks.poison').get({ timeout: 30 })).rejects.toMatchObject({ excType: 'WorkerLostError' })
    expect(lines().filter((line) => line.includes('lost its child'))).toEqual([
      'Task tasks.poison[ID] lost its child (signal 9 (SIGKILL)) and is delivered again: 1',
      'Task tasks.poison[ID] lost its child (signal 9 (SIGKILL)) and is delivered again: 2',
    ])
    const deadLetters = async () => (await site.app.transport()).deadLetters()
    const [buried] = await until(async () => (await deadLetters()).length > 0 && deadLetters(), {
      describe: 'a dead letter',
    })
    expect(buried).toMatchObject({ queue: 'celery', reason: 'Worker exited prematurely: signal 9 (SIGKILL).' })
    expect(await waiting()).toBe(0)
  })
})

describe.each(['prefork', 'threads'])('a time limit in the pool %s', (pool) => {
  it('ends a task whatever it does, and the next one finds another child', async () => {
    await serve({ pool })
    const late = site.app.sendTask('tasks.compute', { timeLimit: 0.2 }).get({ timeout: 10 })
    await expect(late).rejects.toMatchObject({
      excType: 'TimeLimitExceeded',
      excModule: 'billiard.exceptions',
      excArgs: [0.2],
      traceback: null,
    })
    expect(lines()).toContain('Hard time limit (0.2s) exceeded for tasks.compute[ID]')
    expect(await call('tasks.add', 1, 1).get({ timeout: 10 })).toBe(2)
    expect(lines()).toContain('Task handler raised error: TimeLimitExceeded(0.2)')
  })
})

it("keeps the worker's own time limit for tasks that have none", async () => {
  await serve({ pool: 'threads', timeLimit: 0.2 })
  await expect(call('tasks.compute').get({ timeout: 10 })).rejects.toMatchObject({ excType: 'TimeLimitExceeded' })
})

describe.each(['async', 'solo', 'prefork', 'threads'])('a soft time limit in the pool %s', (pool) => {
  it('asks the task to end, which then has failed with it', async () => {
    await serve({ pool })
    const late = site.app.sendTask('tasks.wait', { args: [30_000], softTimeLimit: 0.1 }).get({ timeout: 10 })
    await expect(late).rejects.toMatchObject({ excType: 'SoftTimeLimitExceeded', excArgs: [] })
    expect(lines()).toContain('Soft time limit (0.1s) exceeded for tasks.wait[ID]')
  })
})

describe.each(['async', 'solo'])('a hard time limit in the pool %s', (pool) => {
  it('is not kept, and the worker says so once', async () => {
    await serve({ pool })
    for (const x of [1, 2]) {
      const result = site.app.sendTask('tasks.add', { args: [x, x], timeLimit: 30 })
      expect(await result.get({ timeout: 10 })).toBe(x + x)
    }
    expect(lines().filter((line) => line.includes('cannot keep'))).toEqual([
      expect.stringContaining(`The pool '${pool}' cannot keep the time limit (30s) of tasks.add`),
    ])
  })
})

describe('revoking a task that runs', () => {
  const revoke = async (id: string, signal?: string) => {
    return site.app.control.revoke(id, { terminate: true, ...(signal && { signal }), reply: true, limit: 1 })
  }

  it.each([
    ['prefork', 'tasks.compute', 'SIGKILL'],
    ['prefork', 'tasks.compute', undefined],
    ['threads', 'tasks.compute', 'KILL'],
    ['async', 'tasks.wait', 'SIGTERM'],
  ])('ends it in the pool %s (%s, %s)', async (pool, task, signal) => {
    await serve({ pool, taskEvents: true })
    const event = nextEvent('task-revoked')
    const result = await call(task, 30_000)
    await begun()
    expect(await revoke(result.id, signal)).toEqual({ 'w1@test': { ok: `terminate: ${result.id}` } })
    await expect(result.get({ timeout: 10 })).rejects.toMatchObject({ name: 'TaskRevokedError', message: 'terminated' })
    const signum = signal?.endsWith('KILL') ? 9 : 15
    expect(await event).toMatchObject({ uuid: result.id, terminated: true, signum, expired: false })
    expect(await call('tasks.add', 1, 1).get({ timeout: 10 })).toBe(2)
  })

  it('says when it does not know the task', async () => {
    await serve({ pool: 'async' })
    expect(await revoke('nobody')).toEqual({ 'w1@test': { ok: 'terminate: tasks unknown' } })
    expect(await revoke('nobody', 'SIGNOPE')).toEqual({
      'w1@test': { error: "Exception('there is no signal SIGNOPE')" },
    })
  })
})

describe('remote control of the pool', () => {
  const ask = async (method: string, given: Record<string, unknown> = {}) => {
    const replies = await site.app.control.broadcast<unknown>(method, given, { reply: true, limit: 1 })
    return replies['w1@test']
  }
  const statsOfPool = async () => ((await ask('stats')) as { pool: Record<string, unknown> }).pool

  it('grows and shrinks it', async () => {
    await serve({ pool: 'threads' })
    expect(await ask('pool_grow', { n: 2 })).toEqual({ ok: 'pool will grow' })
    expect(await statsOfPool()).toMatchObject({ 'max-concurrency': 3 })
    expect(await ask('pool_shrink', { n: 1 })).toEqual({ ok: 'pool will shrink' })
    expect(await statsOfPool()).toMatchObject({ 'max-concurrency': 2 })
    expect(await ask('pool_shrink', { n: 2 })).toEqual({ error: 'a pool of 2 cannot shrink by 2' })
    expect(await ask('pool_restart')).toEqual({ error: "ValueError('Pool restarts not enabled')" })
    expect(await ask('autoscale', { max: 3 })).toEqual({ error: "ValueError('Autoscale not enabled')" })
  })

  it('changes the range of one that scales itself', async () => {
    const worker = await serve({ pool: 'async', autoscale: { max: 4, min: 2 } })
    expect(worker.banner).toContain('concurrency: {min=2, max=4} (async)')
    expect(await ask('pool_grow')).toEqual({
      error: 'pool_grow is not supported with autoscale. Adjust autoscale range instead.',
    })
    expect(await ask('autoscale', { max: 8, min: 3 })).toEqual({ ok: 'autoscale now max=8 min=3' })
    expect(await ask('stats')).toMatchObject({
      pool: { implementation: 'celery-sandbox:async', 'max-concurrency': 3 },
      autoscaler: { max: 8, min: 3, current: 3 },
      prefetch_count: 32,
    })
  })

  it("tells of it in Celery's words", async () => {
    await serve({ pool: 'prefork', concurrency: 2, maxTasksPerChild: 100 })
    for (const x of [1, 2, 3]) await call('tasks.add', x, x).get({ timeout: 10 })
    const isIdle = (pool: Record<string, unknown>) => JSON.stringify(pool.writes).includes('"active":0')
    const stats = await until(async () => [await statsOfPool()].find(isIdle), { describe: 'the children to be idle' })
    expect(stats).toEqual({
      implementation: 'celery-sandbox:prefork',
      'max-concurrency': 2,
      processes: [expect.any(Number), expect.any(Number)],
      'max-tasks-per-child': 100,
      'put-guarded-by-semaphore': false,
      timeouts: [0, 0],
      writes: {
        total: 3,
        avg: '0.50',
        all: expect.any(String),
        raw: expect.any(String),
        strategy: 'fair',
        inqueues: { total: 2, active: 0 },
      },
    })
  })
})

it('rejects the message of a late task that failed, if its options say so', async () => {
  await serve({ pool: 'async' })
  await expect(call('tasks.failLate').get({ timeout: 10 })).rejects.toThrow('no')
  expect(await waiting()).toBe(0)
})

it('there is no pool of another name', () => {
  expect(() => new Worker(new Celery('x'), { pool: 'gevnt' })).toThrow(/no pool 'gevnt'; there are async, gevent/)
})
