import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Ignore } from '../../../src/app/exceptions.ts'
import { Signal } from '../../../src/app/signal.ts'
import { Celery } from '../../../src/celery.ts'
import { createLogger, type LogRecord, silentLogger } from '../../../src/log.ts'
import { Worker } from '../../../src/worker/worker.ts'

describe('a signal', () => {
  const heard: string[] = []
  beforeEach(() => {
    heard.length = 0
  })

  it('reaches its handlers in order, and waits for those that are async', async () => {
    const signal = new Signal<{ n: number }>('test')
    signal.connect(async ({ n }) => {
      await Promise.resolve()
      heard.push(`first ${n}`)
    })
    signal.connect(({ sender }) => heard.push(`second from ${sender}`))
    await signal.send('me', { n: 1 }, silentLogger)
    expect(heard).toEqual(['first 1', 'second from me'])
  })

  it('is heard of one sender only, where that is asked for', async () => {
    const signal = new Signal<object>('test')
    signal.connect(({ sender }) => heard.push(sender), { sender: 'tasks.add' })
    signal.connect(({ sender }) => heard.push(sender), { sender: { taskName: 'tasks.mul' } })
    for (const sender of ['tasks.add', 'tasks.mul', 'tasks.div']) await signal.send(sender, {}, silentLogger)
    expect(heard).toEqual(['tasks.add', 'tasks.mul'])
  })

  it('is not harmed by a handler that throws, which is logged', async () => {
    const records: LogRecord[] = []
    const signal = new Signal<object>('test')
    signal.connect(function careless() {
      throw new Error('oh')
    })
    signal.connect(() => heard.push('next'))
    await signal.send(
      'me',
      {},
      createLogger((record) => records.push(record)),
    )
    expect(heard).toEqual(['next'])
    expect(records.map(({ message }) => message)).toEqual(['Signal handler careless of test raised: oh'])
  })

  it('has each handler once, until it is disconnected', async () => {
    const signal = new Signal<object>('test')
    const handler = () => heard.push('heard')
    signal.connect(handler)
    signal.connect(handler)
    await signal.send('me', {}, silentLogger)
    signal.disconnect(handler)
    await signal.send('me', {}, silentLogger)
    expect(heard).toEqual(['heard'])
    expect(signal.isConnected).toBe(false)
  })
})

describe('the signals of an app', () => {
  let app: Celery
  let worker: Worker
  let heard: string[]
  let count = 0

  beforeEach(() => {
    const url = `memory://signals-${++count}`
    app = new Celery('test', { brokerUrl: url, resultBackend: url })
    worker = new Worker(app, { hostname: 'w1@test', concurrency: 1 })
    heard = []
  })
  afterEach(async () => {
    await worker.stop()
    await app.close()
  })

  function listen(...names: (keyof Celery['signals'])[]) {
    for (const name of names) {
      const signal = app.signals[name] as Signal<{ state?: string }>
      signal.connect(({ sender, state }) => heard.push([name, sender, state].filter(Boolean).join(' ')))
    }
  }

  it('tell the life of a worker', async () => {
    listen('celerydInit', 'workerInit', 'celerydAfterSetup', 'workerProcessInit', 'workerReady')
    listen('workerShuttingDown', 'workerShutdown')
    const beat = Promise.withResolvers<void>()
    app.signals.heartbeatSent.connect(() => beat.resolve())
    await worker.start()
    await worker.stop()
    await beat.promise
    expect(heard).toEqual([
      ...['celerydInit w1@test', 'workerInit w1@test', 'celerydAfterSetup w1@test', 'workerProcessInit test'],
      ...['workerReady w1@test', 'workerShuttingDown w1@test', 'workerShutdown w1@test'],
    ])
  })

  it('tell the life of a task, in the caller and in the worker', async () => {
    const add = app.task('tasks.add', (x: number, y: number) => x + y)
    listen('beforeTaskPublish', 'afterTaskPublish', 'taskReceived', 'taskPrerun', 'taskSuccess', 'taskPostrun')
    await add.delay(1, 2)
    expect(heard).toEqual(['beforeTaskPublish tasks.add', 'afterTaskPublish tasks.add'])
    heard = []
    await worker.start()
    await worker.stop()
    expect(heard).toEqual([
      ...['taskReceived tasks.add', 'taskPrerun tasks.add', 'taskSuccess tasks.add', 'taskPostrun tasks.add SUCCESS'],
    ])
  })

  it('tell of failures, retries and tasks that ask to be ignored', async () => {
    const boom = app.task('tasks.boom', () => {
      throw new TypeError('boom')
    })
    const again = app.task('tasks.again', (self) => self.request.retries || self.retry({ countdown: 0 }), {
      bind: true,
    })
    const ignore = app.task('tasks.ignore', () => {
      throw new Ignore()
    })
    listen('taskFailure', 'taskRetry', 'taskPostrun')
    const failures: unknown[] = []
    app.signals.taskFailure.connect(({ exception, traceback, args }) => failures.push([exception, traceback, args]))
    await worker.start()
    await boom.delay().get({ propagate: false, timeout: 5 })
    await again.delay().get({ timeout: 5 })
    await ignore.delay()
    await worker.stop()
    expect(heard).toEqual([
      ...['taskFailure tasks.boom', 'taskPostrun tasks.boom FAILURE'],
      ...['taskRetry tasks.again', 'taskPostrun tasks.again RETRY', 'taskPostrun tasks.again SUCCESS'],
      'taskPostrun tasks.ignore IGNORED',
    ])
    expect(failures).toEqual([[expect.any(TypeError), expect.stringContaining('TypeError: boom'), []]])
  })

  it('tell of messages that do not run', async () => {
    const add = app.task('tasks.add', (x: number, y: number) => x + y)
    listen('taskUnknown', 'taskRejected', 'taskRevoked')
    await app.sendTask('tasks.nope')
    await add.applyAsync({ args: [1, 1], expires: new Date(0) })
    const message = {
      headers: { task: 'tasks.add', id: 'x' },
      contentType: 'application/json',
      contentEncoding: 'utf-8',
    }
    const properties = { deliveryMode: 2, priority: 0 } as const
    const exchange = { name: '', type: 'direct', durable: true } as const
    const transport = await app.transport()
    await transport.publish({ ...message, properties, body: Buffer.from('{') }, exchange, 'celery')
    await worker.start()
    await worker.stop()
    expect(heard.sort()).toEqual(['taskRejected tasks.add', 'taskRevoked tasks.add', 'taskUnknown tasks.nope'])
  })

  it('tell of a message that the worker itself stumbles over', async () => {
    app.task('tasks.add', (x: number, y: number) => x + y)
    const told = Promise.withResolvers<unknown>()
    app.signals.taskInternalError.connect(({ sender, taskId, exception }) => told.resolve([sender, taskId, exception]))
    const mistake = new Error('a mistake in the worker')
    worker.state.receive = () => {
      throw mistake
    }
    await worker.start()
    const { id } = await app.sendTask('tasks.add', { args: [1, 1] })
    expect(await told.promise).toEqual(['tasks.add', id, mistake])
  })

  it('let a handler add headers to what is sent', async () => {
    const headers = app.task('tasks.headers', (self) => self.request.headers, { bind: true })
    app.signals.beforeTaskPublish.connect(async ({ headers }) => {
      headers.trace = 'abc'
    })
    await worker.start()
    expect(await headers.delay().get({ timeout: 5 })).toEqual({ trace: 'abc' })
  })
})
