import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { schedule } from '../../../src/schedule/interval.ts'

const moment = (now: string | number, timezone = 'UTC') => ({
  now: new Date(now),
  timezone,
  cronStartingDeadline: null,
})

describe('an interval', () => {
  it.each([
    [30, 30],
    [0.5, 0.5],
    [{ minutes: 5 }, 300],
    [{ days: 1, hours: 12 }, 129_600],
    [{ weeks: 1, milliseconds: 500 }, 604_800.5],
  ])('%j is %d seconds', (given, seconds) => {
    expect(schedule(given).runEvery).toBe(seconds)
  })

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, '5', null, {}, { minutes: 0 }, { minute: 5 }, { days: '1' }])(
    'cannot be %j',
    (given) => {
      expect(() => schedule(given as never)).toThrow(/an interval is seconds, more than 0, or parts like .*; got /)
    },
  )

  it('reads as Celery says it', () => {
    expect(['1', 30, 60, 5_400, 86_400].map((given) => String(schedule(Number(given))))).toEqual([
      '<freq: 1.00 second>',
      '<freq: 30.00 seconds>',
      '<freq: 1.00 minute>',
      '<freq: 1.50 hours>',
      '<freq: 1.00 day>',
    ])
  })

  it('is due when so much time has passed, and not before', () => {
    const property = (every: number, last: number, late: number) => {
      const it = schedule(every)
      const due = last + every * 1000
      expect(it.isDue(new Date(last), moment(due + late))).toEqual({ isDue: true, next: every })
      expect(it.isDue(new Date(last), moment(due - 1))).toEqual({ isDue: false, next: 0.001 })
    }
    const whole = (max: number) => fc.integer({ min: 0, max })
    fc.assert(fc.property(fc.integer({ min: 1, max: 1e6 }), whole(2e12), whole(1e9), property))
  })

  it('of a day is 24 hours, also when clocks are set', () => {
    const daily = schedule({ days: 1 })
    const last = new Date('2026-03-28T12:00Z')
    expect(daily.isDue(last, moment('2026-03-29T11:00Z', 'Europe/Berlin'))).toEqual({ isDue: false, next: 3_600 })
  })
})

describe('a relative interval', () => {
  it.each([
    [{ days: 1 }, '2026-11-21T13:17:00Z', 'UTC', '2026-11-22T00:00:00Z'],
    [{ days: 2 }, '2026-11-21T13:17:00Z', 'Asia/Tokyo', '2026-11-22T15:00:00Z'],
    [{ hours: 2 }, '2026-11-21T13:17:00Z', 'UTC', '2026-11-21T15:00:00Z'],
    [{ hours: 1 }, '2026-11-21T13:17:00Z', 'Asia/Kathmandu', '2026-11-21T14:15:00Z'],
    [{ minutes: 5 }, '2026-11-21T13:17:42Z', 'UTC', '2026-11-21T13:22:00Z'],
    [90, '2026-11-21T13:17:42Z', 'UTC', '2026-11-21T13:19:00Z'],
    [10, '2026-11-21T13:17:42.500Z', 'UTC', '2026-11-21T13:17:52Z'],
    [{ days: 1 }, '2026-03-28T23:00Z', 'Europe/Berlin', '2026-03-29T22:00Z'],
    [{ days: 1 }, '2026-10-24T22:00Z', 'Europe/Berlin', '2026-10-25T23:00Z'],
  ])('%j after %s in %s is due at %s', (every, last, timezone, due) => {
    const relative = schedule(every, { relative: true })
    expect(relative.isDue(new Date(last), moment(due, timezone)).isDue).toBe(true)
    const just = moment(Date.parse(due) - 1, timezone)
    expect(relative.isDue(new Date(last), just)).toEqual({ isDue: false, next: 0.001 })
  })

  it('never falls due in the moment of its last run', () => {
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'Pacific/Apia', 'Australia/Lord_Howe')
    const property = (every: number, last: number, timezone: string) => {
      const { isDue } = schedule(every, { relative: true }).isDue(new Date(last), moment(last, timezone))
      expect(isDue).toBe(false)
    }
    const times = fc.integer({ min: 1.2e12, max: 2e12 })
    fc.assert(fc.property(fc.integer({ min: 1, max: 1e6 }), times, zones, property))
  })
})
