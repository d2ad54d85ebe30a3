import { fileURLToPath } from 'node:url'
import { Celery, Worker } from '../../../src/index.ts'
import { type Contender, inFlight, type OpenContender, oneByOne } from './contender.ts'

/** celery-sandbox: a hundred tasks at a time on the event loop, or two children. */
export function ours(pool: 'async' | 'prefork', backend?: string): OpenContender {
  return async (url) => {
    process.env.CELERY_BROKER_URL = url
    process.env.CELERY_RESULT_BACKEND = backend ?? url
    const [sender, runner] = [new Celery('bench'), new Celery('bench')]
    for (const app of [sender, runner]) app.task('bench.noop', () => 1)
    const worker = new Worker(runner, {
      pool,
      concurrency: pool === 'async' ? 100 : 2,
      appPath: fileURLToPath(new URL('./app.ts', import.meta.url)),
    })
    const contender: Contender = {
      name: `celery-sandbox, ${pool}`,
      publish: (count) => inFlight(count, () => sender.sendTask('bench.noop')),
      async drain(count) {
        let left = count
        const done = Promise.withResolvers<void>()
        const finish = worker.state.finish.bind(worker.state)
        worker.state.finish = (request) => {
          finish(request)
          if (--left === 0) done.resolve()
        }
        await worker.start()
        const startedAt = performance.now()
        await done.promise
        return performance.now() - startedAt
      },
      roundTrips: (count) => oneByOne(count, () => sender.sendTask('bench.noop').get({ timeout: 10 })),
      async close() {
        await worker.stop()
        await sender.close()
        await runner.close()
      },
    }
    return contender
  }
}
