import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { FileStore } from '../../../src/beat/file.ts'
import { MemoryStore } from '../../../src/beat/memory.ts'
import { openStore } from '../../../src/beat/open.ts'
import { RedisStore } from '../../../src/beat/redis.ts'
import { Celery } from '../../../src/celery.ts'
import { ManualClock, systemClock } from '../../../src/clock.ts'
import { createEmbeddedBroker, type EmbeddedBroker } from '../../../src/embedded/broker.ts'
import { createLogger, silentLogger } from '../../../src/log.ts'
import { scheduleStoreConformance } from '../../conformance/schedule-store.ts'

const oneProcess = 'it is for one beat'

describe('the store in memory', () => {
  scheduleStoreConformance(() => new MemoryStore(), {
    'outlives its beat': 'that is what memory is',
    'lets one send at a time': oneProcess,
  })
})

describe('the store in a file', () => {
  let directory: string
  let path: string
  const lines: string[] = []
  const log = createLogger(({ message }) => lines.push(message))
  beforeEach(() => {
    lines.length = 0
    directory = mkdtempSync(join(tmpdir(), 'beat-'))
    path = join(directory, 'state', 'schedule.json')
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  scheduleStoreConformance(() => new FileStore(path, log), { 'lets one send at a time': oneProcess })

  it('is a file that people can read, and leaves nothing else behind', async () => {
    const entries = { a: { lastRunAt: Date.parse('2026-11-21T12:00:00.500Z'), totalRunCount: 3 } }
    await new FileStore(path, log).save({ timezone: null, enableUtc: true, entries })
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({
      version: 1,
      timezone: null,
      enableUtc: true,
      entries: { a: { lastRunAt: '2026-11-21T12:00:00.500Z', totalRunCount: 3 } },
    })
    expect(readdirSync(join(directory, 'state'))).toEqual(['schedule.json'])
  })

  it.each([
    ['nothing', ''],
    ['half of it', '{"version": 1, "timezone": null, "ena'],
    ['another version', '{"version": 2, "timezone": null, "enableUtc": true, "entries": {}}'],
    [
      'a time that is none',
      '{"version": 1, "timezone": null, "enableUtc": true, "entries": {"a": {"lastRunAt": "x", "totalRunCount": 1}}}',
    ],
  ])('that holds %s is set aside', async (_, text) => {
    path = join(directory, 'schedule.json')
    writeFileSync(path, text)
    const store = new FileStore(path, log)
    expect(await store.load()).toBeUndefined()
    expect(lines).toEqual([expect.stringMatching(/schedule\.json cannot be read; it is now .+\.unreadable, and/)])
    expect(readFileSync(`${path}.unreadable`, 'utf8')).toBe(text)
    await store.save({ timezone: null, enableUtc: true, entries: {} })
    expect(await store.load()).toEqual({ timezone: null, enableUtc: true, entries: {} })
  })

  it.each([
    ['a shelf of Python’s', '\x13\x57\x9a\xce'],
    ['a program', 'export const app = 1'],
  ])('that holds %s, which is not its own, stays as it is', async (_, text) => {
    path = join(directory, 'app.ts')
    writeFileSync(path, text)
    await expect(new FileStore(path, log).load()).rejects.toThrow('there is something else in it')
    expect(readdirSync(directory)).toEqual(['app.ts'])
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  it('is written through no link', async () => {
    path = join(directory, 'schedule.json')
    const victim = join(directory, 'victim')
    writeFileSync(victim, 'mine')
    symlinkSync(victim, `${path}.draft`)
    await new FileStore(path, log).save({ timezone: null, enableUtc: true, entries: {} })
    expect(readFileSync(victim, 'utf8')).toBe('mine')
  })

  it('says when it cannot be one', async () => {
    const store = new FileStore(directory, log)
    await expect(store.load()).rejects.toMatchObject({ code: 'IMPROPERLY_CONFIGURED' })
    await expect(store.save({ timezone: null, enableUtc: true, entries: {} })).rejects.toThrow(
      'cannot keep the schedule',
    )
    expect(readdirSync(directory)).toEqual([])
  })
})

describe('the store in Redis, on the embedded broker', () => {
  let broker: EmbeddedBroker
  let count = 0
  const clock = new ManualClock(1_000_000)
  beforeAll(async () => {
    broker = createEmbeddedBroker({ port: 0, clock })
    await broker.start()
  })
  afterAll(() => broker.stop())
  beforeEach(() => {
    count += 1
  })
  const options = { clock: systemClock, log: silentLogger, connectTimeoutMs: 2_000 }
  const open = () => new RedisStore(broker.url, { ...options, globalKeyprefix: `${count}.` })

  scheduleStoreConformance(open)

  it('is free when its holder has been silent for the time of the lock', async () => {
    const [first, second] = [open(), open()]
    const never = new AbortController().signal
    await first.acquire(never, () => {})
    clock.advance(14_999)
    expect(await first.isMine()).toBe(true)
    clock.advance(15_000)
    await second.acquire(never, () => {})
    expect([await first.isMine(), await second.isMine()]).toEqual([false, true])
    await first.close()
    expect(await second.isMine()).toBe(true)
    await second.close()
  })
})

describe('the place of the last runs', () => {
  const app = (settings: object) => new Celery('test', { brokerUrl: 'memory://', ...settings })
  const describeStore = (settings: object, scheduler?: string) =>
    openStore(app(settings), { log: silentLogger, ...(scheduler !== undefined && { scheduler }) }).description

  it.each([
    [{}, undefined, join(process.cwd(), 'celerybeat-schedule.json')],
    [{ beatScheduleFilename: '/tmp/x.json' }, 'celery.beat:PersistentScheduler', '/tmp/x.json'],
    [{ beatScheduler: 'memory' }, undefined, 'memory'],
    [{ beat_scheduler: 'celery.beat.Scheduler' }, undefined, 'memory'],
    [{}, 'redis://:secret@host/3', 'redis://:**@host/3'],
    [{ brokerUrl: 'redis://broker' }, 'redis', 'redis://broker'],
    [{ resultBackend: 'rediss://results' }, 'redis', 'rediss://results'],
  ])('with %j and --scheduler %s is %s', (settings, scheduler, expected) => {
    expect(describeStore(settings, scheduler)).toBe(expected)
  })

  it.each([
    ['redis', "the scheduler 'redis' needs a broker or results in Redis"],
    ['files', "there is no scheduler 'files'"],
    ['amqp://:secret@host', "there is no scheduler 'amqp://:**@host'"],
  ])('cannot be %s', (scheduler, message) => {
    expect(() => describeStore({}, scheduler)).toThrow(message)
  })
})
