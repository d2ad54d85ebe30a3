import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Beat } from '../../src/beat/beat.ts'
import { FileStore } from '../../src/beat/file.ts'
import { chain } from '../../src/canvas/signature.ts'
import { Celery } from '../../src/celery.ts'
import { createLogger, silentLogger } from '../../src/log.ts'
import { decodeTask } from '../../src/protocol/task-message.ts'
import { freshRedisUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'
import { type Program, start } from '../support/process.ts'
import { startPythonWorker } from '../support/python/worker.ts'
import { until } from '../support/wait.ts'

const fixture = (name: string, env: Record<string, string>): Program =>
  start(process.execPath, [join(import.meta.dirname, '../support/fixtures', name)], {
    env: { ...env, NODE_NO_WARNINGS: '1' },
  })

describe('the file of the last runs', () => {
  it('loses nothing that was written, though the writer is killed thirty times', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'celery-sandbox-beat-'))
    const file = join(directory, 'schedule.json')
    const warnings: string[] = []
    const store = new FileStore(
      file,
      createLogger(({ message }) => warnings.push(message)),
    )
    for (let round = 0; round < 30; round++) {
      const writer = fixture('schedule-writer.ts', { FILE: file })
      const lines = writer.lines()
      for (let i = 0; i <= round % 5; i++) await lines.next()
      writer.kill()
      await writer.exited
      const written = Number(writer.stdout.trim().split('\n').at(-1))
      const counts = Object.values((await store.load())?.entries ?? {}).map(({ totalRunCount }) => totalRunCount)
      expect(counts).toHaveLength(500)
      // All of one writing: the last that was told, or the one after it.
      expect(new Set(counts).size).toBe(1)
      expect([written, written + 1]).toContain(counts[0])
    }
    expect(warnings).toEqual([])
    await rm(directory, { recursive: true })
  })
})

describeWith(['redis'], 'beats on one Redis', () => {
  it('send each run once, and one takes over when the other is killed', { timeout: 60_000 }, async () => {
    const url = await freshRedisUrl()
    const consumer = new Celery('consumer', { brokerUrl: url })
    const runs: { pid: number; time: number }[] = []
    const transport = await consumer.transport()
    const subscription = await transport.consume(consumer.queues.defaults, async (delivery) => {
      const [pid, time] = decodeTask(delivery.message, ['json']).args as [number, number]
      runs.push({ pid, time })
      await delivery.ack()
    })
    const beats = Array.from({ length: 3 }, () => fixture('standby-beat.ts', { REDIS: url }))
    const byNow = (count: number) => until(() => runs.length >= count, { timeoutMs: 20_000, describe: `${count} runs` })

    await byNow(6)
    for (let round = 1; round <= 2; round++) {
      const sender = beats.find(({ pid }) => pid === runs.at(-1)?.pid)
      sender?.kill()
      await sender?.exited
      const before = runs.length
      await byNow(before + 6)
      expect(runs.at(-1)?.pid).not.toBe(sender?.pid)
    }
    const last = beats.find(({ pid }) => pid === runs.at(-1)?.pid)
    expect(last?.output).toMatch(/beat: process \d+ on \S+ sends by redis:.*; waiting to take over\n/)
    expect(last?.output).toContain('beat: took over; sending from now on\n')

    expect(new Set(runs.map(({ pid }) => pid)).size).toBe(3)
    const gaps = runs.slice(1).map(({ time }, i) => time - (runs[i]?.time ?? 0))
    expect(Math.min(...gaps)).toBeGreaterThan(450)
    await last?.stop()
    await subscription.cancel()
    await consumer.close()
  })
})

describeWith(['redis', 'python'], 'what beat sends', () => {
  it('runs in a Python worker: a task, and a chain', async () => {
    const url = await freshRedisUrl()
    const app = new Celery('beat', {
      brokerUrl: url,
      resultBackend: url,
      beatSchedule: { sum: { task: 'tasks.add', schedule: 0.2, args: [4, () => 4], options: { expires: 60 } } },
    })
    const add = (...args: number[]) => app.signature('tasks.add', args)
    app.addPeriodicTask(0.2, chain(add(1, 2), add(10)), { name: 'chain' })
    const ids = new Map<string, string>()
    app.signals.afterTaskPublish.connect(({ body: [args], properties }) => {
      ids.set(JSON.stringify(args), String(properties.correlationId))
    })
    await using worker = await startPythonWorker({ broker: url, backend: url })
    const beat = new Beat(app, { scheduler: 'memory', log: silentLogger })
    await beat.start()
    await until(() => ids.size === 2, { describe: 'both to be sent' })
    await beat.stop()
    expect(await app.asyncResult(ids.get('[4,4]') ?? '').get({ timeout: 20 }), worker.output).toBe(8)
    expect(await app.asyncResult(ids.get('[1,2]') ?? '').get({ timeout: 20 })).toBe(3)
    await worker.until(/succeeded in [\d.]+s: 13/)
    await app.close()
  })
})
