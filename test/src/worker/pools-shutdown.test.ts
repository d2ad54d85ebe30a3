import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type LoadedApp, loadApp } from '../../../src/app/load.ts'
import { createEmbeddedBroker, type EmbeddedBroker } from '../../../src/embedded/broker.ts'
import { createLogger, type LogRecord } from '../../../src/log.ts'
import { Worker, type WorkerOptions } from '../../../src/worker/worker.ts'
import { type Program, start } from '../../support/process.ts'
import { until } from '../../support/wait.ts'

const fixture = join(import.meta.dirname, 'fixtures/app.ts')
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

async function serve(options: WorkerOptions): Promise<Worker> {
  records = []
  const log = createLogger((record) => records.push(record))
  worker = new Worker(loaded.app, { hostname: 'w1@test', appPath: loaded.spec, concurrency: 1, log, ...options })
  await worker.start()
  return worker
}

const begun = () => until(() => worker?.state.active.size, { describe: 'the task to run' })
const waiting = async () => (await loaded.app.transport()).size('celery')

describe.each(['async', 'solo', 'prefork', 'threads'])('a cold shutdown of the pool %s', (pool) => {
  it('gives back what is acknowledged late, and what stands in line', async () => {
    const worker = await serve({ pool })
    const running = await loaded.app.sendTask('tasks.stubborn')
    await begun()
    const inLine = await loaded.app.sendTask('tasks.add', { args: [1, 1] })
    await until(() => worker.state.reserved.size === 2, { describe: 'the second message' })
    await worker.stop({ level: 'cold' })
    expect(await waiting()).toBe(2)
    expect(await Promise.all([running.state(), inLine.state()])).toEqual(['PENDING', 'PENDING'])
  })

  it('fails what was acknowledged early', async () => {
    const worker = await serve({ pool })
    const running = await loaded.app.sendTask('tasks.wait', { args: [60_000] })
    await begun()
    await worker.stop({ level: 'cold' })
    expect(await waiting()).toBe(0)
    await expect(running.get({ timeout: 5 })).rejects.toMatchObject({ excType: 'WorkerLostError' })
  })
})

describe('a warm shutdown', () => {
  it('can still be made a cold one', async () => {
    const worker = await serve({ pool: 'prefork' })
    await loaded.app.sendTask('tasks.stubborn')
    await begun()
    const warm = worker.stop()
    await worker.stop({ level: 'cold' })
    await warm
    expect(await waiting()).toBe(1)
  })
})

describe('a soft shutdown', () => {
  it('is a cold one after a while', async () => {
    const worker = await serve({ pool: 'prefork' })
    await loaded.app.sendTask('tasks.stubborn')
    await begun()
    await worker.stop({ level: 'soft' })
    expect(await waiting()).toBe(1)
    expect(records.map(({ message }) => message)).toContain('Initiating Soft Shutdown, terminating in 0.3 seconds')
  })
})

describe('the command line', () => {
  const bin = join(import.meta.dirname, '../../../cli/bin.ts')
  const serveFrom = async (...options: string[]): Promise<Program> => {
    const args = [bin, 'worker', '-A', fixture, '-l', 'info', '-n', 'cli@test', '-c', '2', ...options]
    const program = start(process.execPath, args)
    await program.until('ready.')
    return program
  }
  const ask = async (method: string) => {
    return (await loaded.app.control.inspect({ destination: ['cli@test'] }).request(method))['cli@test']
  }

  it('cuts off what runs at the second Ctrl-C, after the soft while', async () => {
    await using program = await serveFrom('-P', 'prefork')
    await loaded.app.sendTask('tasks.stubborn')
    await program.until('tasks.stubborn')
    program.signal('SIGINT')
    await program.until('Warm shutdown')
    program.signal('SIGINT')
    expect(await program.exited).toMatchObject({ code: 1 })
    expect(program.output).toContain('Initiating Soft Shutdown')
    expect(await waiting()).toBe(1)
  })

  it('leaves no child behind, even when it is killed', async () => {
    await using program = await serveFrom('-P', 'prefork')
    const { pool } = (await ask('stats')) as { pool: { processes: number[] } }
    expect(pool.processes).toHaveLength(2)
    process.kill(program.pid ?? 0, 'SIGKILL')
    const isAlive = (pid: number) => {
      try {
        return process.kill(pid, 0)
      } catch {
        return false
      }
    }
    await until(() => !pool.processes.some(isAlive), { describe: 'the children to end' })
  })
})
