import type { Clock } from '../clock.ts'
import { CeleryError } from '../errors.ts'
import type { TraceEnvironment } from '../trace/environment.ts'
import { trace } from '../trace/trace.ts'
import { ChildPool, type Recycling } from './child-pool.ts'
import { type OpenChild, openProcess, openThread } from './children.ts'
import { InlinePool } from './inline.ts'
import type { Pool, PoolName } from './pool.ts'

export interface PoolOptions extends Recycling {
  readonly concurrency: number
  readonly environment: TraceEnvironment
  readonly clock: Clock
}

/** Which pool it shall be, known to be possible before anything is connected. */
export interface PoolChoice {
  readonly name: PoolName
  open(options: PoolOptions): Pool
}

/** Every word of Celery's that names a pool. */
export const poolNames = {
  async: 'async',
  gevent: 'async',
  eventlet: 'async',
  solo: 'solo',
  prefork: 'prefork',
  processes: 'prefork',
  threads: 'threads',
} as const satisfies Record<string, PoolName>

/**
 * @param appPath the app's file, which the children of `prefork` and `threads` load
 * @throws {CeleryError} IMPROPERLY_CONFIGURED when there is no such pool, or it needs the app's file
 */
export function choosePool(given: string, appPath: string | undefined): PoolChoice {
  const name = (poolNames as Record<string, PoolName | undefined>)[given]
  switch (name) {
    case 'async':
    case 'solo':
      return { name, open: (options) => openInline(name, options) }
    case 'prefork':
      return { name, open: openChildren(name, openProcess, appPath) }
    case 'threads':
      return { name, open: openChildren(name, openThread, appPath) }
    case undefined: {
      const known = Object.keys(poolNames).join(', ')
      throw new CeleryError('IMPROPERLY_CONFIGURED', `there is no pool '${given}'; there are ${known}`)
    }
  }
}

function openInline(name: 'async' | 'solo', { concurrency, environment, ...recycling }: PoolOptions): Pool {
  if (recycling.maxTasksPerChild !== null || recycling.maxMemoryPerChild !== null) {
    environment.log.warning(`The pool '${name}' has no children, so their limits of tasks and memory have no effect`)
  }
  return new InlinePool(name, concurrency, (request, signal) => trace(request, signal, environment))
}

function openChildren(name: 'prefork' | 'threads', open: OpenChild, appPath: string | undefined) {
  if (appPath === undefined) {
    const next = 'Give the worker `appPath`, the file that exports the app, or take the pool `async`, which needs none.'
    const problem = `each child of the pool '${name}' loads the app, and this app has no file`
    throw new CeleryError('IMPROPERLY_CONFIGURED', problem, { next })
  }
  return ({ environment, ...options }: PoolOptions) => {
    const { log, sendEvent } = environment
    return new ChildPool(name, open, { ...options, appPath, log, sendEvent })
  }
}
