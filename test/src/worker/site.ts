import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { type LoadedApp, loadApp } from '../../../src/app/load.ts'
import type { Celery } from '../../../src/celery.ts'
import { createEmbeddedBroker, type EmbeddedBroker } from '../../../src/embedded/broker.ts'
import { createLogger, type LogRecord } from '../../../src/log.ts'
import { Worker, type WorkerOptions } from '../../../src/worker/worker.ts'
import { until } from '../../support/wait.ts'

export const fixture: string = join(import.meta.dirname, 'fixtures/app.ts')

/** Where the tests of one file run workers of the fixture's app: on an embedded broker of their own. */
export interface Site {
  readonly app: Celery
  /** What the last worker told. */
  readonly records: LogRecord[]
  /** Starts a worker; it is stopped after the test. */
  serve(options?: WorkerOptions): Promise<Worker>
  /** Waits until the worker runs something. */
  begun(): Promise<unknown>
  /** Messages that wait. */
  waiting(): Promise<number>
}

export function openSite(): Site {
  let broker: EmbeddedBroker
  let loaded: LoadedApp
  let worker: Worker | undefined
  let records: LogRecord[]

  beforeAll(async () => {
    broker = createEmbeddedBroker()
    await broker.start()
    process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'celery-sandbox-test-compiled')
    process.env.CELERY_BROKER_URL = broker.url
    process.env.CELERY_RESULT_BACKEND = broker.url
    loaded = await loadApp(fixture)
  })

  afterEach(async () => {
    await worker?.stop({ level: 'cold' })
    await (await loaded.app.transport()).purge('celery')
  })

  afterAll(async () => {
    await loaded.app.close()
    await broker.stop()
  })

  return {
    get app() {
      return loaded.app
    },
    get records() {
      return records
    },
    async serve(options = {}) {
      records = []
      const log = createLogger((record) => records.push(record))
      worker = new Worker(loaded.app, { hostname: 'w1@test', appPath: loaded.spec, concurrency: 1, log, ...options })
      await worker.start()
      return worker
    },
    begun: () => until(() => worker?.state.active.size, { describe: 'the task to run' }),
    waiting: async () => (await loaded.app.transport()).size('celery'),
  }
}
