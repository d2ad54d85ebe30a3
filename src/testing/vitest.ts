import { randomUUID } from 'node:crypto'
import { test as base, type TestAPI } from 'vitest'
import type { Celery as App } from '../app/app.ts'
import type { GivenSettings } from '../app/config.ts'
import { Celery } from '../celery.ts'
import { Worker, type WorkerOptions } from '../worker/worker.ts'

export interface CeleryTestOptions {
  /**
   * The app under test, with its tasks; without one, each test gets an empty app. It serves one test at a time, so
   * these are not for `test.concurrent`.
   */
  readonly app?: App
  /** Over the app's own. Broker and results are in memory, whatever the app and the environment say. */
  readonly settings?: GivenSettings
  /** How the worker is started. */
  readonly worker?: WorkerOptions
}

export interface CeleryFixtures {
  /** An app on a broker in memory that no other test sees; closed when the test ends. */
  app: App
  /** A worker in this process that serves it, stopped when the test ends. Only tests that name it start one. */
  worker: Worker
}

/**
 * vitest's `test` with an app and a worker.
 *
 * @example
 * const test = celeryTest({ app })
 * test('adds', async ({ worker }) => {
 *   expect(await add.delay(4, 4).get({ timeout: 5 })).toBe(8)
 * })
 */
export function celeryTest(options: CeleryTestOptions = {}): TestAPI<CeleryFixtures> {
  return base.extend<CeleryFixtures>({
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads which fixtures are wanted from the pattern
    app: async ({}, use) => {
      const giveBack = withoutAddresses()
      const app = options.app ?? new Celery('test')
      const url = `memory://${randomUUID()}`
      app.configure({ ...options.settings, brokerUrl: url, resultBackend: url })
      await use(app)
      await app.close()
      giveBack()
    },
    worker: async ({ app }, use) => {
      const worker = new Worker(app, { concurrency: 2, ...options.worker })
      await worker.start()
      await use(worker)
      await worker.stop()
    },
  })
}

/** `test` with an empty app. */
export const test: TestAPI<CeleryFixtures> = celeryTest()

// The addresses of the environment win over settings, and a test shall not reach what they name.
function withoutAddresses(): () => void {
  const { CELERY_BROKER_URL, CELERY_RESULT_BACKEND } = process.env
  delete process.env.CELERY_BROKER_URL
  delete process.env.CELERY_RESULT_BACKEND
  return () => {
    if (CELERY_BROKER_URL !== undefined) process.env.CELERY_BROKER_URL = CELERY_BROKER_URL
    if (CELERY_RESULT_BACKEND !== undefined) process.env.CELERY_RESULT_BACKEND = CELERY_RESULT_BACKEND
  }
}
