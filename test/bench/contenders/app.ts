import { Celery } from '../../../src/index.ts'

/** The app of the benchmark, also for the children of a pool; the addresses are in the environment. */
export const app = new Celery('bench')
export const noop = app.task('bench.noop', () => 1)
