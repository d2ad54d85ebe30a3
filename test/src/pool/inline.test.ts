import { describe } from 'vitest'
import { Celery } from '../../../src/app/app.ts'
import { openBackend } from '../../../src/backend/open.ts'
import { silentLogger } from '../../../src/log.ts'
import { InlinePool } from '../../../src/pool/inline.ts'
import { trace } from '../../../src/trace/trace.ts'
import { poolConformance } from '../../conformance/pool.ts'

describe('inline pool', () => {
  poolConformance(async (concurrency) => {
    const gates = new Map<string, PromiseWithResolvers<void>>()
    const gate = (name: string) => {
      const found = gates.get(name) ?? Promise.withResolvers<void>()
      gates.set(name, found)
      return found
    }
    const app = new Celery('pool', { brokerUrl: 'memory://pool' })
    app.task('echo', (value: unknown) => value)
    app.task('fail', (message: string) => {
      throw new Error(message)
    })
    app.task('gate', (name: string) => gate(name).promise)
    const environment = { app, backend: await openBackend(null), log: silentLogger, sendEvent: () => {} }
    const pool = new InlinePool(concurrency, (request, signal) => trace(request, signal, environment))
    await pool.start()
    return { pool, release: (name) => gate(name).resolve() }
  })
})
