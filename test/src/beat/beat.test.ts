import { afterEach, describe, expect, it } from 'vitest'
import type { GivenSettings } from '../../../src/app/config.ts'
import { Beat } from '../../../src/beat/beat.ts'
import { embedBeat } from '../../../src/beat/embed.ts'
import { MemoryStore } from '../../../src/beat/memory.ts'
import type { Stored } from '../../../src/beat/store.ts'
import { group, signature } from '../../../src/canvas/signature.ts'
import { Celery } from '../../../src/celery.ts'
import { ManualClock } from '../../../src/clock.ts'
import { CeleryError } from '../../../src/errors.ts'
import { createLogger } from '../../../src/log.ts'
import { crontab } from '../../../src/schedule/crontab.ts'
import { Worker } from '../../../src/worker/worker.ts'
import { until } from '../../support/wait.ts'

const start = Date.parse('2026-11-21T12:00:00Z')

/** A beat whose clock stands still until the test moves it. */
function setup(settings: GivenSettings, store = new MemoryStore()) {
  const clock = new ManualClock(start)
  const lines: string[] = []
  const log = createLogger(({ level, message }) => lines.push(`${level}: ${message}`), 'debug')
  app = new Celery('test', { brokerUrl: `memory://beat-${++count}`, ...settings }, { clock, log })
  const sent: unknown[] = []
  app.signals.beforeTaskPublish.connect(({ sender, body: [args, kwargs] }) => sent.push([sender, args, kwargs]))
  beat = new Beat(app, { scheduler: store, log })
  /** Until it has nothing to do but wait. */
  const idle = (since: number) =>
    until(() => lines.slice(since).some((line) => /beat: Waking up in/.test(line)), {
      describe: () => lines.join('\n'),
    })
  const begin = async () => {
    await beat.start()
    await idle(0)
  }
  const advance = async (seconds: number) => {
    const since = lines.length
    clock.advance(seconds * 1000)
    await idle(since)
  }
  const told = (pattern: RegExp) => lines.filter((line) => pattern.test(line))
  return { clock, sent, told, lines, begin, advance, idle }
}

let app: Celery
let beat: Beat
let count = 0
afterEach(async () => {
  await beat.stop()
  await app.close()
})

const stored = (entries: Stored['entries'], more: Partial<Stored> = {}): Stored => ({
  timezone: null,
  enableUtc: true,
  entries,
  ...more,
})

async function remembering(...given: Parameters<typeof stored>): Promise<MemoryStore> {
  const store = new MemoryStore()
  await store.save(stored(...given))
  return store
}

describe('beat', () => {
  it('sends what is due when it is due, and says so as Celery does', async () => {
    const { sent, told, begin, advance } = setup({
      beatSchedule: { often: { task: 'tasks.add', schedule: 30, args: [4, 4], kwargs: { z: 1 } } },
    })
    await begin()
    await advance(29)
    expect(sent).toEqual([])
    await advance(1)
    expect(sent).toEqual([['tasks.add', [4, 4], { z: 1 }]])
    await advance(30)
    expect(sent).toHaveLength(2)
    expect(told(/^info/)).toEqual([
      'info: beat: Starting...',
      'info: Scheduler: Sending due task often (tasks.add)',
      'info: Scheduler: Sending due task often (tasks.add)',
    ])
    expect(told(/sent\. id->/)).toHaveLength(2)
  })

  it('keeps to the time zone of the settings', async () => {
    const { sent, begin, advance } = setup({
      timezone: 'Asia/Kathmandu',
      beatSchedule: { noon: { task: 'tasks.noon', schedule: crontab({ hour: 18, minute: 0 }) } },
    })
    await begin()
    await advance(14 * 60)
    expect(sent).toEqual([])
    await advance(60)
    expect(sent).toEqual([['tasks.noon', [], {}]])
  })

  it('makes arguments when it sends', async () => {
    let calls = 0
    const { sent, begin, advance } = setup({
      beatSchedule: {
        items: { task: 'items', schedule: 1, args: [() => ++calls, async () => 'b'], kwargs: { now: () => 'c' } },
        whole: { task: 'whole', schedule: 1, args: () => ['d'], kwargs: async () => ({ e: 1 }) },
      },
    })
    await begin()
    await advance(1)
    expect(sent).toEqual([
      ['items', [1, 'b'], { now: 'c' }],
      ['whole', ['d'], { e: 1 }],
    ])
  })

  it('sends workflows', async () => {
    const { sent, begin, advance } = setup({})
    app.addPeriodicTask(1, group(signature('a', [1]), signature('b')), { queue: 'slow' })
    await begin()
    await advance(1)
    expect(sent).toEqual([
      ['a', [1], {}],
      ['b', [], {}],
    ])
  })

  it('goes on when something cannot be sent', async () => {
    const boom = () => {
      throw new Error('no arguments today')
    }
    const { sent, told, begin, advance } = setup({
      beatSchedule: { bad: { task: 'bad', schedule: 1, args: boom }, good: { task: 'good', schedule: 1 } },
    })
    await begin()
    await advance(1)
    await advance(1)
    expect(sent).toHaveLength(2)
    expect(told(/^error/)[0]).toBe("error: Message Error: Couldn't apply scheduled task bad: no arguments today")
  })

  it('waits for a broker that is not there, as Celery does', async () => {
    const { clock, told } = setup({ brokerUrl: 'redis://127.0.0.1:1', beatSchedule: { a: { task: 'a', schedule: 1 } } })
    await beat.start()
    const errors = (count: number) => until(() => told(/^error/).length === count, { describe: `${count} errors` })
    await errors(1)
    clock.advance(2_000)
    await errors(2)
    expect(told(/^error/)).toEqual([
      expect.stringMatching(/beat: Connection error: cannot reach .*\. Trying again in 2\.0 seconds\.\.\.$/),
      expect.stringMatching(/Trying again in 4\.0 seconds\.\.\.$/),
    ])
    await beat.stop()
    await beat.stopped
  })

  it('tells a schedule that throws by its name', async () => {
    const broken = {
      isDue() {
        throw new Error('no idea')
      },
    }
    const { told, begin } = setup({ beatSchedule: { mine: { task: 'a', schedule: broken } } })
    await begin()
    expect(told(/^error/)).toEqual(['error: beat: the schedule of mine cannot be asked: no idea'])
  })

  it('says that there is nothing to send', async () => {
    const { told, begin } = setup({})
    await begin()
    expect(told(/^warning/)).toEqual(['warning: beat: nothing to send: give beatSchedule, or app.addPeriodicTask(…)'])
  })

  it('sends once what was missed for hours, and says so', async () => {
    const store = await remembering({ hourly: { lastRunAt: start - 5 * 3_600_000, totalRunCount: 9 } })
    const hourly = { task: 'tasks.hourly', schedule: crontab({ minute: 30 }) }
    const { sent, told, begin, advance } = setup({ beatSchedule: { hourly } }, store)
    await begin()
    expect(sent).toHaveLength(1)
    expect(told(/fell due/)).toEqual([
      'info: beat: fell due while nobody was there to send, and is sent once: hourly (last run: 2026-11-21T07:00:00.000Z)',
    ])
    await advance(29 * 60)
    expect(sent).toHaveLength(1)
    await advance(60)
    expect(sent).toHaveLength(2)
  })

  it('lets go what was missed longer ago than beatCronStartingDeadline', async () => {
    const store = await remembering({ hourly: { lastRunAt: start - 7_200_000, totalRunCount: 9 } })
    const hourly = { task: 'tasks.hourly', schedule: crontab({ minute: 30 }) }
    const { sent, told, begin } = setup({ beatSchedule: { hourly }, beatCronStartingDeadline: 60 }, store)
    await begin()
    expect(sent).toEqual([])
    expect(told(/let go/)).toEqual([
      'warning: beat: missed, and let go (beatCronStartingDeadline: 60 s): hourly (last run: 2026-11-21T10:00:00.000Z)',
    ])
  })

  it('remembers each run, and forgets entries that are gone', async () => {
    const store = await remembering({ gone: { lastRunAt: 5, totalRunCount: 1 } })
    const { begin, advance } = setup({ beatSchedule: { a: { task: 'a', schedule: 30 } } }, store)
    await begin()
    expect(await store.load()).toEqual(stored({ a: { lastRunAt: start, totalRunCount: 0 } }))
    await advance(30)
    expect(await store.load()).toEqual(stored({ a: { lastRunAt: start + 30_000, totalRunCount: 1 } }))
  })

  it('writes down every so many runs, when beatSyncEvery says so, and when it stops', async () => {
    const store = new MemoryStore()
    const count = async () => (await store.load())?.entries.a?.totalRunCount
    const { begin, advance } = setup({ beatSchedule: { a: { task: 'a', schedule: 1 } }, beatSyncEvery: 3 }, store)
    await begin()
    for (const expected of [0, 0, 3, 3]) {
      await advance(1)
      expect(await count()).toBe(expected)
    }
    await beat.stop()
    expect(await count()).toBe(4)
  })

  it.each([
    [{ timezone: 'Asia/Tokyo' }, 'Reset: Timezone changed from null to Asia/Tokyo; the last runs are forgotten'],
    [{ enableUtc: false }, 'Reset: UTC changed from enabled to disabled; the last runs are forgotten'],
  ])('forgets the last runs when %j was not so before', async (settings, line) => {
    const store = await remembering({ a: { lastRunAt: 0, totalRunCount: 9 } })
    const { sent, told, begin } = setup({ beatSchedule: { a: { task: 'a', schedule: 30 } }, ...settings }, store)
    await begin()
    expect(sent).toEqual([])
    expect(told(/^warning/)).toEqual([`warning: ${line}`])
    expect((await store.load())?.entries).toEqual({ a: { lastRunAt: start, totalRunCount: 0 } })
  })

  it.each([
    ['db+sqlite:///x.db', 86_400, ['celery.backend_cleanup']],
    ['db+sqlite:///x.db', 0, []],
    ['memory://x', 86_400, []],
  ])('has results in %s that expire after %d seconds cleaned up', async (resultBackend, resultExpires, names) => {
    const store = new MemoryStore()
    const { begin } = setup({ resultBackend, resultExpires, beatSchedule: { a: { task: 'a', schedule: 9 } } }, store)
    await begin()
    expect(Object.keys((await store.load())?.entries ?? {})).toEqual(['a', ...names])
  })

  it('may be started and stopped twice', async () => {
    const { told, begin } = setup({ beatSchedule: { a: { task: 'a', schedule: 1 } } })
    await begin()
    await beat.start()
    await Promise.all([beat.stop(), beat.stop()])
    await beat.stop()
    await beat.stopped
    expect(told(/Starting|Shutting/)).toEqual(['info: beat: Starting...', 'info: beat: Shutting down...'])
  })

  it('may be stopped at once', async () => {
    const { told } = setup({ beatSchedule: { a: { task: 'a', schedule: 1 } } })
    void beat.start()
    await beat.stop()
    expect(told(/lost the lock/)).toEqual([])
  })

  it('has a start banner without secrets', () => {
    setup({ brokerUrl: 'amqp://me:secret@host//' })
    expect(beat.banner({ file: '[stderr]', level: 'info' })).toMatch(
      /^celery-sandbox beat v\S+ is starting\.\n__ {4}- .*\nLocalTime -> \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\nConfiguration ->\n {4}\. broker -> amqp:\/\/me:\*\*@host\/\/\n {4}\. app -> test\n {4}\. scheduler -> memory\n {4}\. logfile -> \[stderr\]@%INFO\n {4}\. maxinterval -> 5\.00 minutes \(300s\)$/,
    )
  })
})

describe('a beat among others', () => {
  /** A store that another beat may take. */
  class SharedStore extends MemoryStore {
    isTaken = false
    isAway = false
    free: () => void = () => {}

    override async acquire(_signal?: AbortSignal, onWait?: (holder: string) => void): Promise<void> {
      if (!this.isTaken) return
      onWait?.('process 7 on box')
      await new Promise<void>((resolve) => {
        this.free = resolve
      })
      this.isTaken = false
    }

    override async isMine(): Promise<boolean> {
      if (this.isAway) throw new CeleryError('BACKEND_UNREACHABLE', 'nobody answers')
      return !this.isTaken
    }
  }

  const settings = { beatSchedule: { a: { task: 'a', schedule: 30 } } }

  it('waits, and takes over with what the other has left', async () => {
    const store = new SharedStore()
    store.isTaken = true
    const { sent, told, lines, idle, advance } = setup(settings, store)
    await beat.start()
    await until(() => told(/waiting to take over/).length, { describe: 'the waiting' })
    await store.save(stored({ a: { lastRunAt: start - 10_000, totalRunCount: 5 } }))
    store.free()
    await idle(lines.length)
    await advance(20)
    expect(sent).toHaveLength(1)
    expect(told(/^warning/)).toEqual([
      'warning: beat: process 7 on box sends by memory; waiting to take over',
      'warning: beat: took over; sending from now on',
    ])
    expect((await store.load())?.entries.a?.totalRunCount).toBe(6)
  })

  it('sends nothing any more when another has taken over', async () => {
    const store = new SharedStore()
    const { clock, sent, told, begin } = setup(settings, store)
    await begin()
    store.isTaken = true
    clock.advance(30_000)
    await until(() => told(/waiting to take over/).length, { describe: 'the waiting' })
    expect(sent).toEqual([])
    expect(told(/lost the lock/)).toHaveLength(1)
    store.free()
    await until(() => sent.length, { describe: 'the run that is due' })
  })

  it('waits with what is due while nobody knows who has the lock', async () => {
    const store = new SharedStore()
    const { clock, sent, told, begin, idle, lines } = setup(settings, store)
    await begin()
    store.isAway = true
    clock.advance(30_000)
    await until(() => told(/nobody answers/).length, { describe: 'the error' })
    expect(sent).toEqual([])
    store.isAway = false
    const since = lines.length
    clock.advance(2_000)
    await idle(since)
    expect(sent).toHaveLength(1)
  })
})

describe('a beat inside a worker', () => {
  it('begins and ends with it', async () => {
    const lines: string[] = []
    const log = createLogger(({ message }) => lines.push(message))
    app = new Celery('test', { brokerUrl: 'memory://embedded-beat', resultBackend: 'memory://embedded-beat' })
    const ran = Promise.withResolvers<string>()
    app.task('tasks.tick', (word: string) => ran.resolve(word))
    app.addPeriodicTask(0.05, app.tasks.get('tasks.tick')?.s('tock') as never)
    embedBeat(app, { scheduler: 'memory', log })
    const worker = new Worker(app, { log })
    await worker.start()
    expect(await ran.promise).toBe('tock')
    await worker.stop()
    const at = (text: string) => lines.findIndex((line) => line.includes(text))
    expect(at('beat: Starting...')).toBeGreaterThan(at('ready.'))
    expect(lines).toContain('beat: Shutting down...')
  })
})
