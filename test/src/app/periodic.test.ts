import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { settingsForPeople } from '../../../src/app/config/humanize.ts'
import { chain, group, signature } from '../../../src/canvas/signature.ts'
import { Celery } from '../../../src/celery.ts'
import { createLogger } from '../../../src/log.ts'
import { crontab } from '../../../src/schedule/crontab.ts'
import { localTimezone } from '../../../src/schedule/zone.ts'

let app: Celery
afterEach(() => app?.close())

const define = (settings: object) => {
  app = new Celery('test', { brokerUrl: 'memory://periodic', ...settings })
  return app
}

describe('beatSchedule', () => {
  it('is completed', () => {
    define({ beatSchedule: { nightly: { task: 'shop.report', schedule: crontab({ hour: 4, minute: 0 }) } } })
    const [entry] = app.periodicTasks
    expect(entry).toMatchObject({ name: 'nightly', task: 'shop.report', args: [], kwargs: {}, options: {} })
    expect(String(entry?.schedule)).toBe('<crontab: 0 4 * * * (m/h/dM/MY/d)>')
  })

  it.each(['beatSchedule', 'beat_schedule', 'CELERYBEAT_SCHEDULE'])('may be called %s', (name) => {
    define({ [name]: { often: { task: 'a', schedule: 30, options: { routing_key: 'x', expires: 60 } } } })
    expect(app.conf.beatSchedule.often?.options).toEqual({ routingKey: 'x', expires: 60 })
  })

  it.each([
    [5, 'beatSchedule must be an object; got 5'],
    [{ a: 5 }, "beatSchedule['a'] must be an object; got 5"],
    [{ a: { schedule: 5 } }, "beatSchedule['a'].task must be the name of a task; got undefined"],
    [{ a: { task: 't' } }, "beatSchedule['a'].schedule must be a schedule; got undefined"],
    [{ a: { task: '', schedule: 5 } }, "beatSchedule['a'].task must be the name of a task; got ''"],
    [
      { a: { task: 't', schedule: 0 } },
      "beatSchedule['a'].schedule: an interval is seconds, more than 0, or parts like { minutes: 5 }; got 0",
    ],
    [{ a: { task: 't', schedule: '5' } }, "beatSchedule['a'].schedule: an interval is seconds"],
    [
      { a: { task: 't', schedule: { minute: 5 } } },
      "beatSchedule['a'].schedule: an interval is seconds, more than 0, or parts like { minutes: 5 }; got { minute: 5 }",
    ],
    [
      { a: { task: 't', schedule: 5, args: 'x' } },
      "beatSchedule['a'].args must be a list, or a function that gives one; got 'x'",
    ],
    [{ a: { task: 't', schedule: 5, shedule: 6 } }, "beatSchedule['a'] has no 'shedule' (given: 6)"],
    [{ a: { task: 't', schedule: 5, options: { expire: 6 } } }, "beatSchedule['a'].options has no 'expire' (given: 6)"],
  ])('names what is wrong: %j', (beatSchedule, message) => {
    expect(() => define({ beatSchedule })).toThrow(message)
  })

  it('can be read by people', () => {
    const shown = settingsForPeople(define({ beatSchedule: { a: { task: 't', schedule: { minutes: 5 } } } }).conf)
    expect(inspect(shown.beat_schedule)).toContain("schedule: '<freq: 5.00 minutes>'")
  })
})

describe('addPeriodicTask', () => {
  const call = signature('tasks.add', [4, 'a'], { kwargs: { y: 1 }, options: { queue: 'slow' } })

  it('adds to the setting, and over it', () => {
    define({ beatSchedule: { mine: { task: 'a', schedule: 1 }, other: { task: 'b', schedule: 1 } } })
    expect(app.addPeriodicTask(5, call, { name: 'mine', expires: 60, relative: true })).toBe('mine')
    expect(app.periodicTasks.map(({ name, task }) => [name, task])).toEqual([
      ['mine', 'tasks.add'],
      ['other', 'b'],
    ])
    expect(app.periodicTasks[0]).toMatchObject({
      args: [4, 'a'],
      kwargs: { y: 1 },
      options: { queue: 'slow', expires: 60 },
      schedule: { relative: true },
    })
  })

  it('takes workflows', () => {
    define({})
    app.addPeriodicTask(5, chain(call, signature('b')), { queue: 'slow' })
    app.addPeriodicTask(5, group(call, signature('b')), { name: 'all' })
    expect(app.periodicTasks.map(({ name, task }) => [name, task])).toEqual([
      ["tasks.add(4, 'a', y=1) | b()", 'celery.chain'],
      ['all', 'celery.group'],
    ])
  })

  it('names a task by its call, and says when two are called alike', () => {
    const lines: string[] = []
    const log = createLogger(({ message }) => lines.push(message))
    app = new Celery('test', { brokerUrl: 'memory://periodic' }, { log })
    expect(app.addPeriodicTask(5, call)).toBe("tasks.add(4, 'a', y=1)")
    expect(lines).toEqual([])
    app.addPeriodicTask(6, call)
    expect(lines).toEqual([expect.stringContaining("tasks.add(4, 'a', y=1) takes the place of another")])
    expect(app.periodicTasks).toHaveLength(1)
  })

  it('names what is wrong', () => {
    define({})
    expect(() => app.addPeriodicTask(-1, call, { name: 'mine' })).toThrow("'mine'.schedule: an interval is seconds")
  })
})

describe('the time zone of an app', () => {
  it.each([
    [{}, 'UTC'],
    [{ timezone: 'Europe/Berlin' }, 'Europe/Berlin'],
    [{ timezone: 'Europe/Berlin', enableUtc: false }, 'Europe/Berlin'],
    [{ enable_utc: false }, localTimezone()],
  ])('with %j is %s', (settings, timezone) => {
    expect(define(settings).timezone).toBe(timezone)
  })

  it('must exist', () => {
    const message = "the setting 'timezone' must be a time zone ('Europe/Berlin'), or null; got 'Europe/Atlantis'"
    expect(() => define({ timezone: 'Europe/Atlantis' })).toThrow(message)
  })
})
