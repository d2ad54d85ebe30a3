import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Settings } from '../../../src/app/config.ts'
import { Ignore, Reject } from '../../../src/app/exceptions.ts'
import { chain, signature } from '../../../src/canvas/signature.ts'
import { Celery } from '../../../src/celery.ts'
import { createLogger, type LogRecord } from '../../../src/log.ts'
import type { Event } from '../../../src/protocol/event.ts'
import type { ResultMeta } from '../../../src/protocol/result-meta.ts'
import { Worker, type WorkerOptions } from '../../../src/worker/worker.ts'
import { until } from '../../support/wait.ts'

let app: Celery
let worker: Worker
let records: LogRecord[]
let count = 0

function define(settings: Partial<Settings> = {}) {
  const url = `memory://worker-${++count}`
  app = new Celery('test', { brokerUrl: url, resultBackend: url, ...settings })
  const add = app.task('tasks.add', (x: number, y: number) => x + y)
  const boom = app.task('tasks.boom', (message = 'boom') => {
    throw new RangeError(message)
  })
  const flaky = app.task(
    'tasks.flaky',
    (self, failures: number) => {
      if (self.request.retries < failures) self.retry({ countdown: 0, exc: new Error('not yet') })
      return self.request.retries
    },
    { bind: true },
  )
  return { add, boom, flaky }
}

async function serve(options: WorkerOptions = {}) {
  records = []
  worker = new Worker(app, { hostname: 'w1@test', log: createLogger((record) => records.push(record)), ...options })
  await worker.start()
}

const lines = () => records.map(({ message }) => message.replace(/[0-9a-f-]{36}/g, 'ID').replace(/in [\d.]+s/, 'in Ns'))

let tasks: ReturnType<typeof define>

beforeEach(() => {
  tasks = define()
})

afterEach(async () => {
  await worker?.stop()
  await app.close()
})

describe('a worker', () => {
  it('runs a task and its caller gets the value', async () => {
    await serve()
    expect(await tasks.add.delay(4, 4).get({ timeout: 5 })).toBe(8)
    expect(lines()).toEqual([
      expect.stringContaining('Connected to memory://'),
      'w1@test ready.',
      'Task tasks.add[ID] received',
      'Task tasks.add[ID] succeeded in Ns: 8',
    ])
  })

  it('binds the keyword arguments of a Python caller to parameter names', async () => {
    await serve()
    expect(await app.sendTask('tasks.add', { kwargs: { y: 1, x: 2 } }).get({ timeout: 5 })).toBe(3)
  })

  it('tells the caller what the task threw, as Python knows it', async () => {
    await serve()
    await expect(tasks.boom.delay('no good').get({ timeout: 5 })).rejects.toMatchObject({
      name: 'ValueError',
      message: 'no good',
      traceback: expect.stringMatching(/^RangeError: no good\n {4}at .*worker\.test\.ts/),
    })
    expect(lines().at(-1)).toBe("Task tasks.boom[ID] raised unexpected: ValueError('no good')")
  })

  it('fails a call whose arguments do not fit, with the signature', async () => {
    await serve()
    await expect(app.sendTask('tasks.add', { args: [1] }).get({ timeout: 5 })).rejects.toMatchObject({
      name: 'TypeError',
      message: 'add(x, y) is missing 1 argument: y',
    })
  })

  it('runs a task again when it asks for it, until it succeeds', async () => {
    await serve()
    expect(await tasks.flaky.delay(2).get({ timeout: 5 })).toBe(2)
    const retries = () => lines().filter((line) => line.includes('retry'))
    await until(() => retries().length === 2, { describe: 'both retries in the log' })
  })

  it('fails a task that has no attempts left, with its own reason', async () => {
    await serve()
    await expect(tasks.flaky.delay(9).get({ timeout: 5 })).rejects.toThrow('not yet')
  })

  it('shows the states on the way', async () => {
    const watched = Promise.withResolvers<void>()
    const survey = app.task(
      'tasks.survey',
      async (self) => {
        await watched.promise
        await self.updateState('PROGRESS', { done: 1, of: 2 })
        return 'done'
      },
      { bind: true, trackStarted: true },
    )
    await serve()
    const seen: ResultMeta[] = []
    const onMessage = (meta: ResultMeta) => {
      seen.push(meta)
      watched.resolve()
    }
    await survey.delay().get({ timeout: 5, onMessage })
    expect(seen.map(({ status, result }) => [status, result])).toEqual([
      ['STARTED', { pid: process.pid, hostname: 'w1@test' }],
      ['PROGRESS', { done: 1, of: 2 }],
      ['SUCCESS', 'done'],
    ])
  })

  it('turns away a task that it does not know, and its caller learns of it', async () => {
    await serve()
    await expect(app.sendTask('tasks.nope').get({ timeout: 5 })).rejects.toMatchObject({
      name: 'NotRegistered',
      message: 'tasks.nope',
    })
    expect(lines().at(-1)).toContain("Received unregistered task of type 'tasks.nope'")
  })

  it('lives on after a message that cannot be read', async () => {
    await serve()
    const transport = await app.transport()
    const message = {
      headers: { task: 'tasks.add', id: 'broken' },
      contentType: 'application/json',
      contentEncoding: 'utf-8',
    }
    const properties = { deliveryMode: 2, priority: 0 } as const
    const exchange = { name: '', type: 'direct', durable: true } as const
    await transport.publish({ ...message, properties, body: Buffer.from('{') }, exchange, 'celery')
    await expect(app.asyncResult('broken').get({ timeout: 5 })).rejects.toThrow(
      'the message body is not application/json',
    )
    expect(await tasks.add.delay(1, 1).get({ timeout: 5 })).toBe(2)
  })

  it('discards what has expired', async () => {
    const late = await tasks.add.applyAsync({ args: [1, 1], expires: new Date(Date.now() - 1000) })
    await serve()
    await expect(late.get({ timeout: 5 })).rejects.toMatchObject({ name: 'TaskRevokedError', message: 'expired' })
  })

  it('holds a task until its time', async () => {
    await serve()
    const before = Date.now()
    expect(await tasks.add.applyAsync({ args: [1, 1], countdown: 0.1 }).get({ timeout: 5 })).toBe(2)
    expect(Date.now() - before).toBeGreaterThanOrEqual(95)
  })

  it('begins a task no more often than its rate allows, and gives back what still waits', async () => {
    const rare = app.task('tasks.rare', () => 'done', { rateLimit: '1/h' })
    await serve()
    expect(await rare.delay().get({ timeout: 5 })).toBe('done')
    const second = await rare.delay()
    expect(await tasks.add.delay(1, 1).get({ timeout: 5 })).toBe(2)
    const set = (task: string, rate: string | number) => app.control.rateLimit(task, rate, { reply: true, limit: 1 })
    expect(await set('tasks.rare', '10/s')).toEqual({ 'w1@test': { ok: 'new rate limit set successfully' } })
    expect(await set('tasks.rare', 'often')).toEqual({
      'w1@test': { error: expect.stringMatching(/^Invalid rate limit string/) },
    })
    expect(await set('tasks.none', 1)).toEqual({ 'w1@test': { error: 'unknown task' } })
    // With the new limit what was held back goes on.
    expect(await second.get({ timeout: 5 })).toBe('done')
    await set('tasks.rare', '1/h')
    expect(await rare.delay().get({ timeout: 5 })).toBe('done')
    const last = await rare.delay()
    expect(await tasks.add.delay(1, 1).get({ timeout: 5 })).toBe(2)
    await worker.stop()
    expect(await last.state()).toBe('PENDING')
    expect(await (await app.transport()).size('celery')).toBe(1)
  })

  it('discards a revoked task when it would begin', async () => {
    await serve()
    const held = await tasks.add.applyAsync({ args: [1, 1], countdown: 0.2 })
    await app.control.revoke(held.id, { reply: true, limit: 1 })
    await expect(held.get({ timeout: 5 })).rejects.toMatchObject({ name: 'TaskRevokedError', message: 'revoked' })
  })

  it('stores nothing of a task whose result nobody wants', async () => {
    await serve()
    const ignored = await tasks.add.applyAsync({ args: [1, 1], ignoreResult: true })
    await tasks.add.delay(2, 2).get({ timeout: 5 })
    expect(await ignored.state()).toBe('PENDING')
  })

  it('leaves the state alone when a task says Ignore or Reject', async () => {
    const ignore = app.task('tasks.ignore', () => {
      throw new Ignore()
    })
    const reject = app.task('tasks.reject', () => {
      throw new Reject('not mine')
    })
    await serve()
    const sent = [await ignore.delay(), await reject.delay()]
    await tasks.add.delay(1, 1).get({ timeout: 5 })
    expect(await Promise.all(sent.map((result) => result.state()))).toEqual(['PENDING', 'PENDING'])
    expect(lines()).toContain('Task tasks.reject[ID] rejected: not mine')
  })

  it('fails a task whose value cannot be sent', async () => {
    const odd = app.task('tasks.odd', () => ({ f: () => 1 }))
    await serve()
    await expect(odd.delay().get({ timeout: 5 })).rejects.toThrow(/could not be cloned|cannot be sent/)
  })

  it('goes on with a chain, and with its links', async () => {
    await serve()
    const link = signature('tasks.add', [100], { options: { taskId: 'linked' } })
    const first = signature('tasks.add', [1, 2]).link(link)
    await app.send(chain(first, signature('tasks.add', [10], { options: { taskId: 'last' } })))
    expect(await app.asyncResult('last').get({ timeout: 5 })).toBe(13)
    expect(await app.asyncResult('linked').get({ timeout: 5 })).toBe(103)
    expect(await app.asyncResult('last').meta()).toMatchObject({ parent_id: expect.any(String) })
  })

  it('fails the rest of a chain with the step that failed', async () => {
    await serve()
    const step = signature('tasks.add', [1], { options: { taskId: 'never' } })
    await app.send(chain(signature('tasks.boom'), step))
    await expect(app.asyncResult('never').get({ timeout: 5 })).rejects.toThrow('boom')
  })

  it('notes the children of a task in its result', async () => {
    const parent = app.task('tasks.parent', async () => (await tasks.add.delay(1, 1)).id)
    await serve()
    const result = await parent.delay()
    const child = await result.get({ timeout: 5 })
    expect((await result.meta())?.children).toEqual([[[child, null], null]])
    expect(await app.asyncResult(child).get({ timeout: 5 })).toBe(2)
    expect(await app.asyncResult(child).meta()).toMatchObject({ parent_id: result.id })
  })

  it('finishes what runs before it stops, and gives back what waits', async () => {
    const gate = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    const slow = app.task('tasks.slow', async () => {
      started.resolve()
      await gate.promise
      return 'finished'
    })
    await serve({ concurrency: 1 })
    const running = await slow.delay()
    const held = await tasks.add.applyAsync({ args: [1, 1], countdown: 60 })
    await started.promise
    const stopping = worker.stop()
    gate.resolve()
    await stopping
    expect(await running.state()).toBe('SUCCESS')
    expect(await held.state()).toBe('PENDING')
    expect(await (await app.transport()).size('celery')).toBe(1)
  })

  it('tells monitors the life of a task', async () => {
    await serve({ taskEvents: true })
    const events: Event[] = []
    const ended = Promise.withResolvers<void>()
    await app.events.receive((event) => {
      if (event.type.startsWith('task-')) events.push(event)
      if (event.type === 'task-failed') ended.resolve()
    })
    await tasks.add.delay(2, 2).get({ timeout: 5 })
    await tasks.boom.delay().get({ timeout: 5, propagate: false })
    await ended.promise
    expect(events.map(({ type }) => type)).toEqual([
      ...['task-received', 'task-started', 'task-succeeded'],
      ...['task-received', 'task-started', 'task-failed'],
    ])
    expect(events[0]).toMatchObject({
      name: 'tasks.add',
      args: '(2, 2)',
      kwargs: '{}',
      retries: 0,
      hostname: 'w1@test',
    })
    expect(events[2]).toMatchObject({ result: '4', runtime: expect.any(Number) })
    expect(events[5]).toMatchObject({
      exception: "ValueError('boom')",
      traceback: expect.stringContaining('RangeError'),
    })
    expect(events.every((event, i) => i === 0 || event.clock > (events[i - 1]?.clock ?? 0))).toBe(true)
  })

  it('answers remote control', async () => {
    await serve()
    await tasks.add.delay(1, 1).get({ timeout: 5 })
    const ask = async (method: string) => (await app.control.inspect({ limit: 1 }).request(method))['w1@test']
    expect(await ask('ping')).toEqual({ ok: 'pong' })
    expect(await ask('registered')).toEqual(['tasks.add', 'tasks.boom', 'tasks.flaky'])
    expect(await ask('active_queues')).toMatchObject([{ name: 'celery', exchange: { type: 'direct' } }])
    expect(await ask('stats')).toMatchObject({ total: { 'tasks.add': 1 }, pid: process.pid })
    expect(await ask('active')).toEqual([])
    expect(await ask('conf')).toEqual({ broker_url: app.conf.brokerUrl, result_backend: app.conf.resultBackend })
    expect(await ask('report')).toEqual({ ok: expect.stringContaining('transport:memory') })
    expect(await ask('nonsense')).toEqual({ error: "KeyError('nonsense')" })
    expect(await app.control.ping({ destination: ['other@test'], timeout: 0.05 })).toEqual({})
  })

  it('does not listen to commands where that is switched off', async () => {
    define({ workerEnableRemoteControl: false })
    await serve()
    expect(await app.control.ping({ timeout: 0.05 })).toEqual({})
  })

  it('lets calls of a task inherit its priority where that is switched on', async () => {
    define({ taskInheritParentPriority: true })
    const priority = app.task('tasks.priority', (self) => self.request.priority, { bind: true })
    const parent = app.task('tasks.calls', async () => (await priority.delay()).id)
    await serve()
    const child = await parent.applyAsync({ priority: 7 }).get({ timeout: 5 })
    expect(await app.asyncResult(child).get({ timeout: 5 })).toBe(7)
  })

  it('that cannot start leaves nothing open', async () => {
    const url = `memory://worker-${++count}`
    app = new Celery('test', { brokerUrl: url, resultBackend: 'nowhere://' })
    worker = new Worker(app)
    await expect(worker.start()).rejects.toThrow('no result backend for nowhere://')
    await worker.stopped
  })

  it('shows a banner without secrets', () => {
    app = new Celery('shop', { brokerUrl: 'amqp://celery:secret@host//', resultBackend: 'redis://:secret@host/0' })
    app.task('tasks.add', (x: number) => x)
    const { banner } = new Worker(app, { hostname: 'w1@box', concurrency: 2 })
    expect(banner).toContain('.> transport:   amqp://celery:**@host//')
    expect(banner).toContain('.> concurrency: 2 (async)')
    expect(banner).toContain('  . tasks.add')
    expect(banner).not.toContain('secret')
  })
})
