import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Celery } from '../../../src/app/app.ts'
import { type LoadedApp, loadApp } from '../../../src/app/load.ts'
import { createEmbeddedBroker, type EmbeddedBroker } from '../../../src/embedded/broker.ts'
import { createLogger, type LogRecord } from '../../../src/log.ts'
import { Worker, type WorkerOptions } from '../../../src/worker/worker.ts'

let broker: EmbeddedBroker
let loaded: LoadedApp
let worker: Worker | undefined
let records: LogRecord[]

beforeAll(async () => {
  broker = createEmbeddedBroker()
  await broker.start()
  process.env.CELERY_BROKER_URL = broker.url
  process.env.CELERY_RESULT_BACKEND = broker.url
  loaded = await loadApp(join(import.meta.dirname, 'fixtures/app.ts'))
})

afterEach(() => worker?.stop())

afterAll(async () => {
  await loaded.app.close()
  await broker.stop()
})

async function serve(options: WorkerOptions = {}) {
  records = []
  const log = createLogger((record) => records.push(record))
  worker = new Worker(loaded.app, { hostname: 'w1@test', appPath: loaded.spec, concurrency: 1, log, ...options })
  await worker.start()
}

const call = (task: string, ...args: unknown[]) => loaded.app.sendTask(task, { args })
const lines = () => records.map(({ message }) => message.replace(/[0-9a-f-]{36}/g, 'ID'))

describe.each(['prefork', 'threads'])('a worker with the pool %s', (pool) => {
  it('runs tasks in its children', async () => {
    await serve({ pool, concurrency: 2 })
    expect(await call('tasks.add', 4, 4).get({ timeout: 10 })).toBe(8)
    expect(worker?.banner).toContain(`concurrency: 2 (${pool})`)
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

it('there is no pool of another name', () => {
  expect(() => new Worker(new Celery('x'), { pool: 'gevnt' })).toThrow(/no pool 'gevnt'; there are async, gevent/)
})
