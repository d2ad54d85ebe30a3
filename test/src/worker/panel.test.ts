import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Celery } from '../../../src/app/app.ts'
import { readWords } from '../../../src/control/command.ts'
import { createLogger } from '../../../src/log.ts'
import { remoteCommands } from '../../../src/worker/panel/panel.ts'
import { Worker } from '../../../src/worker/worker.ts'
import { until } from '../../support/wait.ts'

let app: Celery
let worker: Worker
let lines: string[]
let count = 0

beforeEach(async () => {
  const url = `memory://panel-${++count}`
  app = new Celery('panel', { brokerUrl: url, resultBackend: url })
  app.task('tasks.add', (x: number, y: number) => x + y)
  lines = []
  const log = createLogger(({ message }) => lines.push(message))
  worker = new Worker(app, { hostname: 'w1@test', concurrency: 2, log })
  await worker.start()
})

afterEach(async () => {
  await worker.stop()
  await app.close()
})

const answer = { reply: true, limit: 1 }

describe('the queues of a worker', () => {
  it('can be more, and fewer again, while it runs', async () => {
    const waiting = app.sendTask('tasks.add', { args: [1, 1], queue: 'extra' })
    await app.control.addConsumer('extra', answer)
    expect(await waiting.get({ timeout: 5 })).toBe(2)
    expect(await app.sendTask('tasks.add', { args: [2, 2] }).get({ timeout: 5 })).toBe(4)
    await app.control.cancelConsumer('celery', answer)
    const queues = await app.control.inspect({ limit: 1 }).activeQueues()
    expect(queues['w1@test']?.map(({ name }) => name)).toEqual(['extra'])
    await app.sendTask('tasks.add', { args: [3, 3] })
    expect(await app.sendTask('tasks.add', { args: [4, 4], queue: 'extra' }).get({ timeout: 5 })).toBe(8)
    expect(await (await app.transport()).size('celery')).toBe(1)
    expect(lines).toEqual(expect.arrayContaining(['Started consuming from extra', 'Canceling queue celery']))
  })

  it('can be none', async () => {
    await app.control.cancelConsumer('celery', answer)
    await app.sendTask('tasks.add', { args: [3, 3] })
    expect(await (await app.transport()).size('celery')).toBe(1)
    await app.control.addConsumer('celery', answer)
    await until(() => worker.state.processed === 1, { describe: 'the task to run' })
  })

  it('keeps hold of what it had taken', async () => {
    const held = app.sendTask('tasks.add', { args: [1, 1], countdown: 0.2 })
    await until(() => worker.state.reserved.size === 1, { describe: 'the task to be held' })
    await app.control.addConsumer('extra', answer)
    expect(await held.get({ timeout: 5 })).toBe(2)
    expect(worker.state.total.get('tasks.add')).toBe(1)
  })

  it('can have an exchange of another kind', async () => {
    await app.control.addConsumer('news', { exchange: 'media', exchangeType: 'topic', routingKey: 'news.#', ...answer })
    const transport = await app.transport()
    expect(transport.name).toBe('memory')
    const queues = await app.control.inspect({ limit: 1 }).activeQueues()
    expect(queues['w1@test']?.[1]).toMatchObject({
      name: 'news',
      exchange: { name: 'media', type: 'topic' },
      routing_key: 'news.#',
    })
  })
})

describe('revoked stamps', () => {
  it('keep a task from running, whichever of its values they name', async () => {
    await app.control.revokeByStampedHeaders({ tenant: ['acme', 'evil'] }, answer)
    const stamped = (stamps: Record<string, unknown>) => app.sendTask('tasks.add', { args: [1, 1], stamps })
    for (const tenant of ['acme', ['good', 'evil']])
      await expect(stamped({ tenant }).get({ timeout: 5 })).rejects.toMatchObject({ name: 'TaskRevokedError' })
    expect(await stamped({ tenant: 'good' }).get({ timeout: 5 })).toBe(2)
    expect(await stamped({ other: 'acme' }).get({ timeout: 5 })).toBe(2)
  })

  it('end a task that runs, and say which stamps were found', async () => {
    const started = Promise.withResolvers<AbortSignal>()
    const wait = (self: { signal: AbortSignal }) =>
      new Promise((_, reject) => {
        started.resolve(self.signal)
        self.signal.addEventListener('abort', () => reject(self.signal.reason))
      })
    app.task('tasks.wait', wait, { bind: true })
    await app.sendTask('tasks.wait', { stamps: { tenant: 'acme' } })
    const signal = await started.promise
    const revoke = (tenant: string[]) => app.control.revokeByStampedHeaders({ tenant }, { terminate: true, ...answer })
    expect(await revoke(['nobody'])).toEqual({
      'w1@test': { ok: "headers {'tenant': ['nobody']} were not terminated" },
    })
    expect(await revoke(['acme', 'none'])).toEqual({ 'w1@test': { ok: "headers {'tenant': ['acme']} revoked" } })
    expect(signal.aborted).toBe(true)
  })
})

describe('commands of the app', () => {
  it('are understood beside Celery’s, and can call those', async () => {
    app.controlCommand('set_tariff', (worker, { name }) => ({ ok: `${worker.hostname}: ${name}` }), {
      args: [['name', 'text']],
    })
    app.inspectCommand('clocks', (worker) => worker.run('clock'))
    const told = await app.control.broadcast('set_tariff', { name: 'night' }, answer)
    expect(told).toEqual({ 'w1@test': { ok: 'w1@test: night' } })
    const clocks = await app.control.inspect({ limit: 1 }).request('clocks')
    expect(clocks).toEqual({ 'w1@test': { clock: expect.any(Number) } })
    expect(remoteCommands(app)).toMatchObject({ set_tariff: { kind: 'control' }, clocks: { kind: 'inspect' } })
  })

  it('answer with what they throw, as Python shows it', async () => {
    app.controlCommand('fail', () => {
      throw new RangeError('no good')
    })
    expect(await app.control.broadcast('fail', {}, answer)).toEqual({ 'w1@test': { error: "ValueError('no good')" } })
    expect(lines).toContain('control command error: fail: no good')
  })
})

describe('who is asked', () => {
  it.each([
    [{ destination: ['w1@test'] }, true],
    [{ destination: ['w2@test'] }, false],
    [{ pattern: 'w?@*' }, true],
    [{ pattern: 'x*' }, false],
    [{ pattern: 'w\\d@', matcher: 'pcre' as const }, true],
  ])('%j', async (options, answers) => {
    const replies = await app.control.ping({ limit: 1, timeout: answers ? 5 : 0.05, ...options })
    expect(Object.keys(replies)).toEqual(answers ? ['w1@test'] : [])
  })

  it('tells of each answer as it comes', async () => {
    const told: unknown[] = []
    await app.control.ping({ limit: 1, onReply: (...reply) => told.push(reply) })
    expect(told).toEqual([['w1@test', { ok: 'pong' }]])
  })
})

describe('the words of a command line', () => {
  const words = (name: string, ...given: string[]) =>
    readWords(remoteCommands(app)[name] ?? { kind: 'inspect', help: '' }, given)

  it.each([
    ['rate_limit', ['tasks.add', '10/m'], { task_name: 'tasks.add', rate_limit: '10/m' }],
    ['time_limit', ['tasks.add', '1.5'], { task_name: 'tasks.add', soft: 1.5 }],
    ['conf', ['True'], { with_defaults: true }],
    ['terminate', ['KILL', 'a', 'b'], { signal: 'KILL', task_id: ['a', 'b'] }],
    ['query_task', [], { ids: [] }],
    ['ping', [], {}],
  ])('%s %j', (name, given, args) => {
    expect(words(name, ...given)).toEqual(args)
  })

  it.each([
    ['ping', ['now'], 'it takes no arguments'],
    ['pool_grow', ['many'], "'many' is not a whole number"],
    ['pool_grow', ['1', '2'], 'it takes [N=1]'],
  ])('%s %j are refused', (name, given, reason) => {
    expect(() => words(name, ...given)).toThrow(reason)
  })
})
