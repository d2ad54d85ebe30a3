import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chord } from '../../src/canvas/signature.ts'
import { Celery } from '../../src/celery.ts'
import { createEmbeddedBroker } from '../../src/embedded/broker.ts'
import { Worker } from '../../src/worker/worker.ts'
import { orphansComeBack } from '../conformance/orphans.ts'
import { freshAmqpUrl, freshRedisUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'
import { type Program, start } from '../support/process.ts'
import { pythonClient } from '../support/python/client.ts'
import { startPythonWorker } from '../support/python/worker.ts'
import { until } from '../support/wait.ts'

describeWith(['redis'], 'on Redis', () => orphansComeBack(freshRedisUrl))

describe('on the embedded broker', () => {
  const broker = createEmbeddedBroker()
  beforeAll(() => broker.start())
  afterAll(() => broker.stop())
  orphansComeBack(async () => broker.url)
})

describeWith(['redis', 'rabbitmq', 'python'], 'workers that are lost', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'celery-sandbox-ledger-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  let count = 0
  function newLedger() {
    const path = join(directory, `${++count}`)
    const read = async () => {
      const text = await readFile(path, 'utf8').catch(() => '')
      const lines = text.split('\n').slice(0, -1)
      const numbers = (verb: string) => lines.filter((line) => line.startsWith(verb)).map((line) => line.split(' ')[1])
      return { begun: numbers('begin'), ended: numbers('end') }
    }
    return { path, read }
  }

  let workers = 0
  const startWorker = (env: Record<string, string>): Program =>
    start(process.execPath, [join(import.meta.dirname, '../support/fixtures/ledger-worker.ts')], {
      env: { ...env, WORKER: `w${++workers}@test`, NODE_NO_WARNINGS: '1' },
    })

  it.each([
    ['Redis', freshRedisUrl],
    ['RabbitMQ', freshAmqpUrl],
  ])(
    'lose none of 1,000 tasks on %s, though they are killed ten times',
    async (name, place) => {
      const attempted = 1_000
      const url = await place()
      const ledger = newLedger()
      const app = new Celery('client', { brokerUrl: url })
      const publishing = Array.from({ length: attempted }, (_, i) =>
        app.sendTask('ledger.note', { args: [i, 20], ignoreResult: true }),
      )
      await Promise.all(publishing)
      await app.close()

      const env = { BROKER: url, LEDGER: ledger.path }
      const executed = async () => new Set((await ledger.read()).ended).size
      const running = [startWorker(env), startWorker(env)]
      const moments = Array.from({ length: 10 }, () => 1 + Math.floor(Math.random() * 0.9 * attempted)).sort(
        (a, b) => a - b,
      )
      for (const moment of moments) {
        await until(async () => (await executed()) >= moment, { timeoutMs: 20_000, describe: `${moment} tasks to end` })
        running.shift()?.kill()
        running.push(startWorker(env))
      }
      await until(async () => (await executed()) >= attempted, {
        timeoutMs: 20_000,
        describe: () => `all tasks to end; the workers wrote:\n${running.map(({ output }) => output).join('\n')}`,
      })
      await Promise.all(running.map((worker) => worker.stop()))

      const { begun, ended } = await ledger.read()
      const times = (list: readonly unknown[]) => Map.groupBy(list, (number) => number)
      const more = (list: readonly unknown[]) => [...times(list).values()].filter(({ length }) => length > 1).length
      const distinct = new Set(ended).size
      const figures = {
        attempted,
        executed: distinct,
        lost: attempted - distinct,
        duplicated: more(ended),
        recovered: more(begun),
      }
      console.log(`${name}, ten workers killed:`, figures)
      expect(figures).toMatchObject({ executed: attempted, lost: 0 })
      // At most what each had in hand, running or reserved.
      expect(more(begun)).toBeLessThanOrEqual(10 * 16)
    },
    60_000,
  )

  it.each([
    ['Redis', freshRedisUrl],
    ['RabbitMQ', freshAmqpUrl],
  ])(
    'let a chord of 200 on %s begin its body once, with every value, though they are killed three times',
    async (_, place) => {
      const members = 200
      const [url, results] = [await place(), await freshRedisUrl()]
      const ledger = newLedger()
      const app = new Celery('client', { brokerUrl: url, resultBackend: results })
      const header = Array.from({ length: members }, (_, i) => app.signature('ledger.note', [i, 20]))
      const body = app.signature<number[]>('ledger.body')
      const result = await chord(header, body).delay()

      const env = { BROKER: url, RESULTS: results, LEDGER: ledger.path }
      const running = [startWorker(env), startWorker(env)]
      for (let kill = 1; kill <= 3; kill++) {
        const moment = Math.floor((kill * members) / 4)
        const hasCome = async () => new Set((await ledger.read()).ended).size >= moment
        await until(hasCome, { timeoutMs: 20_000, describe: `${moment} tasks to end` })
        running.shift()?.kill()
        running.push(startWorker(env))
      }
      expect(await result.get({ timeout: 30 })).toEqual(Array.from({ length: members }, (_, i) => i))
      await Promise.all(running.map((worker) => worker.stop()))
      expect((await ledger.read()).ended.filter((number) => number === 'body')).toHaveLength(1)
      await app.close()
    },
    60_000,
  )

  it('give back at once what a killed worker had in hand, however long the visibility timeout', async () => {
    const url = await freshRedisUrl()
    const ledger = newLedger()
    const app = new Celery('client', { brokerUrl: url })
    await app.sendTask('ledger.note', { args: [1, 60_000] })
    await app.close()
    const killed = startWorker({ BROKER: url, LEDGER: ledger.path, VISIBILITY: '3600' })
    await until(async () => (await ledger.read()).begun.length === 1, { describe: 'the task to begin' })
    killed.kill()
    await killed.exited
    await using heir = startWorker({ BROKER: url, LEDGER: ledger.path, VISIBILITY: '3600' })
    await heir.until('restored a message of celery: its consumer is dead')
    await until(async () => (await ledger.read()).begun.length === 2, { describe: 'the task to begin again' })
    heir.kill()
  })

  it('run a task once whose time comes long after the visibility timeout, though three wait for it', async () => {
    const url = await freshRedisUrl()
    const ledger = newLedger()
    const env = { BROKER: url, LEDGER: ledger.path, VISIBILITY: '1' }
    const three = [startWorker(env), startWorker(env), startWorker(env)]
    await Promise.all(three.map((worker) => worker.until('ready.')))
    const app = new Celery('client', { brokerUrl: url })
    await app.sendTask('ledger.note', { args: [1, 0], countdown: 4 })
    await until(async () => (await ledger.read()).ended.length > 0, { describe: 'the task to run' })
    await Promise.all(three.map((worker) => worker.stop()))
    expect(await ledger.read()).toEqual({ begun: ['1'], ended: ['1'] })
    expect(three.map(({ output }) => output).join('')).not.toContain('restored')
    await app.close()
  })

  it('of Python give back to TypeScript', async () => {
    const url = await freshRedisUrl()
    const python = await startPythonWorker({ broker: url, settings: { task_acks_late: true } })
    const app = new Celery('client', {
      brokerUrl: url,
      resultBackend: url,
      brokerTransportOptions: { visibilityTimeout: 1 },
    })
    app.task('tasks.slow', (_seconds: number) => 'done by another')
    const result = await app.sendTask('tasks.slow', { args: [60] })
    await python.until('received')
    python.kill()
    await python.exited
    const worker = new Worker(app, { hostname: 'heir@test' })
    await worker.start()
    expect(await result.get({ timeout: 10 })).toBe('done by another')
    await worker.stop()
    await app.close()
  })

  it('of TypeScript give back to Python', async () => {
    const url = await freshRedisUrl()
    const ledger = newLedger()
    const app = new Celery('client', { brokerUrl: url })
    const { id } = await app.sendTask('ledger.note', { args: [1, 60_000] })
    await app.close()
    const killed = startWorker({ BROKER: url, LEDGER: ledger.path })
    await until(async () => (await ledger.read()).begun.length === 1, { describe: 'the task to begin' })
    killed.kill()
    await killed.exited
    const settings = { broker_transport_options: { visibility_timeout: 0 } }
    await using python = await pythonClient({ broker: url, settings })
    await python.eval('connection = app.connection(); connection.default_channel.qos.restore_visible()')
    const message = (field: string) => python.eval(`message.${field}`)
    await python.eval("message = connection.SimpleQueue('celery').get(timeout=5)")
    expect([await message("headers['id']"), await message("delivery_info['redelivered']")]).toEqual([id, true])
    expect(await message('payload')).toEqual([[1, 60_000], {}, expect.anything()])
  })
})
