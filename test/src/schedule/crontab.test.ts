import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crontab } from '../../../src/schedule/crontab.ts'
import { type FieldName, numbersOf } from '../../../src/schedule/crontab-field.ts'

describe('a field of a crontab', () => {
  it.each<[FieldName, Parameters<typeof numbersOf>[1], number[]]>([
    ['minute', 7, [7]],
    ['minute', '7', [7]],
    ['minute', '*/20', [0, 20, 40]],
    ['minute', '*/7', [0, 7, 14, 21, 28, 35, 42, 49, 56]],
    ['minute', '1-10/4', [1, 5, 9]],
    ['minute', '1,13,30-32,50-59/3', [1, 13, 30, 31, 32, 50, 53, 56, 59]],
    ['minute', ' 3, 1 ,3', [1, 3]],
    ['minute', [30, 0], [0, 30]],
    ['hour', '22-2', [0, 1, 2, 22, 23]],
    ['hour', '22-4/2', [0, 2, 4, 22]],
    ['hour', ['0', '8-17/3'], [0, 8, 11, 14, 17]],
    ['dayOfWeek', 'sun', [0]],
    ['dayOfWeek', 'Monday', [1]],
    ['dayOfWeek', 'thurs,fri-mon', [0, 1, 4, 5, 6]],
    ['dayOfWeek', '*/2', [0, 2, 4, 6]],
    ['dayOfMonth', '*/10', [1, 11, 21, 31]],
    ['dayOfMonth', '30-2', [1, 2, 30, 31]],
    ['monthOfYear', '*/4', [1, 5, 9]],
    ['monthOfYear', 'nov-feb', [1, 2, 11, 12]],
  ])('%s %j is %j', (name, spec, numbers) => {
    expect(numbersOf(name, spec)).toEqual(numbers)
  })

  it.each([
    [{ hour: 24 }, "crontab: hour 24: '24' is not one of 0 to 23"],
    [{ minute: -1 }, "crontab: minute -1: '-1' is not one of 0 to 59"],
    [{ minute: 1.5 }, "crontab: minute 1.5: '1.5' is not one of 0 to 59"],
    [{ minute: '*/0' }, "crontab: minute '*/0': the step of '*/0' must be a number, 1 or more"],
    [{ minute: '*/' }, "crontab: minute '*/': the step of '*/' must be"],
    [{ minute: '5/2' }, "crontab: minute '5/2': a step needs a range: '*/2' or '1-9/2'"],
    [{ minute: '1,,2' }, "crontab: minute '1,,2': '' is no part of a crontab"],
    [{ minute: '-5' }, "crontab: minute '-5': '-5' is no part of a crontab"],
    [{ minute: [] }, 'crontab: minute []: it is empty'],
    [{ minute: null as never }, 'crontab: minute null: it must be a number, a text or a list'],
    [{ dayOfMonth: 0 }, "crontab: dayOfMonth 0: '0' is not one of 1 to 31"],
    [{ dayOfWeek: 7 }, "crontab: dayOfWeek 7: '7' is not one of 0 to 6, or sun to sat"],
    [{ dayOfWeek: 'mo' }, "crontab: dayOfWeek 'mo': 'mo' is not one of 0 to 6, or sun to sat"],
    [{ hour: 'mon' }, "crontab: hour 'mon': 'mon' is not one of 0 to 23"],
    [{ dayOfMonth: '30-31', monthOfYear: 'feb' }, "it would never run: no month of 'feb' has a day '30-31'"],
    [{ minutes: 5 } as never, "crontab: there is no field 'minutes'"],
  ])('is refused, by name and value: %o', (given, message) => {
    expect(() => crontab(given)).toThrow(message)
  })
})

describe('a line of a crontab', () => {
  it('has its fields in the order of cron', () => {
    expect(String(crontab.fromString('*/5  4 1-7 jan mon'))).toBe('<crontab: */5 4 1-7 jan mon (m/h/dM/MY/d)>')
    expect(crontab.fromString('1 2 3 4 5').given).toEqual({
      minute: '1',
      hour: '2',
      dayOfMonth: '3',
      monthOfYear: '4',
      dayOfWeek: '5',
    })
  })

  it.each(['* * * *', '* * * * * *', ''])('of other than five fields is refused: %j', (line) => {
    expect(() => crontab.fromString(line)).toThrow('has not five fields')
  })
})

/** The next runs after an instant, one after the other. */
function runs(line: string, after: string, timezone: string, count: number): string[] {
  let last = Date.parse(after)
  return Array.from({ length: count }, () => {
    last = crontab.fromString(line).nextAfter(last, timezone)
    return new Date(last).toISOString().replace(':00.000Z', 'Z')
  })
}

describe('the runs of a crontab', () => {
  it.each([
    ['the minute that has begun is over', '* * * * *', '2026-11-21T10:30:00Z', ['2026-11-21T10:31Z']],
    ['between two of a list', '0,30 9 * * *', '2026-11-21T09:10:00Z', ['2026-11-21T09:30Z', '2026-11-22T09:00Z']],
    ['over the end of a year', '0 0 1 1 *', '2026-11-21T00:00:00Z', ['2027-01-01T00:00Z', '2028-01-01T00:00Z']],
    [
      'day of the month and of the week must both fit',
      '0 0 13 * fri',
      '2026-01-01T00:00Z',
      ['2026-02-13T00:00Z', '2026-03-13T00:00Z', '2026-11-13T00:00Z'],
    ],
    ['29 February', '0 0 29 2 *', '2026-11-21T00:00Z', ['2028-02-29T00:00Z', '2032-02-29T00:00Z']],
    ['29 February, where a century has none', '0 0 29 2 *', '2096-03-01T00:00Z', ['2104-02-29T00:00Z']],
    ['29 February on a Monday', '0 0 29 2 mon', '2026-11-21T00:00Z', ['2044-02-29T00:00Z', '2072-02-29T00:00Z']],
    [
      'the 31st of those months that have one',
      '0 0 31 * *',
      '2026-01-31T00:00Z',
      ['2026-03-31T00:00Z', '2026-05-31T00:00Z'],
    ],
  ])('%s', (_, line, after, expected) => {
    expect(runs(line, after, 'UTC', expected.length)).toEqual(expected)
  })

  // What a reader of clocks expects, where Celery 5.6 runs an hour late, twice, or not: celery#6438, #9653, #10107.
  it.each([
    [
      'daily, the day after summer time began',
      '4 16 * * *',
      'America/New_York',
      '2025-03-08T21:04Z',
      ['2025-03-09T20:04Z', '2025-03-10T20:04Z'],
    ],
    [
      'daily, at a time that is left out',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T01:30Z',
      ['2026-03-29T01:30Z', '2026-03-30T00:30Z'],
    ],
    [
      'several times of the hour that is left out',
      '*/20 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00Z', '2026-03-29T01:20Z', '2026-03-29T01:40Z', '2026-03-30T00:00Z'],
    ],
    [
      'a time left out that falls on one that is there',
      '0 2,3 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:00Z'],
    ],
    [
      'midnight that is left out',
      '0 0 * * *',
      'Africa/Cairo',
      '2026-04-23T12:00Z',
      ['2026-04-23T22:00Z', '2026-04-24T21:00Z'],
    ],
    [
      'a day that is left out',
      '0 10 30 12 *',
      'Pacific/Apia',
      '2011-12-01T00:00Z',
      ['2011-12-30T20:00Z', '2012-12-29T20:00Z'],
    ],
    [
      'every hour, over an hour that is left out',
      '0 * * * *',
      'Europe/Berlin',
      '2026-03-29T00:00Z',
      ['2026-03-29T01:00Z', '2026-03-29T02:00Z'],
    ],
    [
      'daily, at a time that comes twice',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      ['2026-10-25T00:30Z', '2026-10-26T01:30Z'],
    ],
    [
      'daily, at midnight that comes twice',
      '0 0 * * *',
      'America/Havana',
      '2026-10-31T12:00Z',
      ['2026-11-01T04:00Z', '2026-11-02T05:00Z'],
    ],
    [
      'every hour, over one that comes twice',
      '0 * * * *',
      'US/Pacific',
      '2026-11-01T07:00Z',
      ['2026-11-01T08:00Z', '2026-11-01T09:00Z', '2026-11-01T10:00Z'],
    ],
    [
      'every half hour, over an hour that comes twice',
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-10-25T00:00Z',
      ['2026-10-25T00:30Z', '2026-10-25T01:00Z', '2026-10-25T01:30Z', '2026-10-25T02:00Z'],
    ],
    [
      'clocks that are set by half an hour',
      '15 2 * * *',
      'Australia/Lord_Howe',
      '2026-10-03T00:00Z',
      ['2026-10-03T15:45Z', '2026-10-04T15:15Z'],
    ],
    [
      'a zone of 45 minutes',
      '50 3 * * *',
      'Pacific/Chatham',
      '2026-09-25T15:05Z',
      ['2026-09-26T14:05Z', '2026-09-27T14:05Z'],
    ],
    ['clocks that are set by two hours', '0 23 * * *', 'Antarctica/Troll', '2026-10-24T21:00Z', ['2026-10-25T23:00Z']],
  ])('where clocks are set: %s', (_, line, timezone, after, expected) => {
    expect(runs(line, after, timezone, expected.length)).toEqual(expected)
  })
})

describe('a crontab that is asked', () => {
  const at4 = crontab({ minute: 0, hour: 4 })
  const ask = (lastRunAt: string, now: string, cronStartingDeadline: number | null = null) =>
    at4.isDue(new Date(lastRunAt), { now: new Date(now), timezone: 'UTC', cronStartingDeadline })

  it.each([
    ['before its time', '2026-11-20T04:00Z', '2026-11-21T03:00Z', null, { isDue: false, next: 3_600 }],
    ['at its time', '2026-11-20T04:00Z', '2026-11-21T04:00Z', null, { isDue: true, next: 86_400 }],
    ['an hour late', '2026-11-20T04:00Z', '2026-11-21T05:00Z', null, { isDue: true, next: 82_800 }],
    ['days late', '2026-11-01T04:00Z', '2026-11-21T05:00Z', null, { isDue: true, next: 82_800 }],
    ['late, and within the deadline', '2026-11-01T04:00Z', '2026-11-21T05:00Z', 3_600, { isDue: true, next: 82_800 }],
    [
      'later than the deadline',
      '2026-11-01T04:00Z',
      '2026-11-21T05:00Z',
      3_599,
      { isDue: false, next: 82_800, isTooLate: true },
    ],
  ])('%s', (_, lastRunAt, now, deadline, expected) => {
    expect(ask(lastRunAt, now, deadline)).toEqual(expected)
  })
})

describe('the runs of any crontab', () => {
  it.each(windows())(
    'are those that somebody finds who looks at the clock each minute: %s from %s',
    (timezone, day) => {
      const minutes = clockReadings(timezone, Date.parse(day))
      const start = minutes[0]?.instant ?? 0
      const end = minutes.at(-1)?.instant ?? 0
      const property = (given: Record<FieldName, string>, offset: number) => {
        const tab = crontab(given)
        const after = start + offset * 60_000 + 30_000
        const found = tab.nextAfter(after, timezone)
        const expected = expectedRuns(given, minutes).find((instant) => instant > after)
        if (expected === undefined) expect(found).toBeGreaterThan(end)
        else expect(new Date(found)).toEqual(new Date(expected))
        const moment = (now: number) => ({ now: new Date(now), timezone, cronStartingDeadline: null })
        expect(tab.isDue(new Date(after), moment(found)).isDue).toBe(true)
        expect(tab.isDue(new Date(after), moment(found - 1))).toEqual({ isDue: false, next: 0.001 })
      }
      fc.assert(fc.property(crontabs, fc.integer({ min: 1_440, max: 4_000 }), property), { numRuns: 40 })
    },
  )
})

/** Days around which clocks are set, and one around which they are not. */
function windows(): [timezone: string, day: string][] {
  return [
    ['UTC', '2028-02-27'],
    ['Europe/Berlin', '2026-03-27'],
    ['Europe/Berlin', '2026-10-23'],
    ['America/New_York', '2026-10-30'],
    ['Africa/Cairo', '2026-04-22'],
    ['America/Havana', '2026-10-30'],
    ['Australia/Lord_Howe', '2026-10-02'],
    ['Australia/Lord_Howe', '2026-04-03'],
    ['Pacific/Chatham', '2026-09-25'],
    ['Antarctica/Troll', '2026-03-27'],
    ['Pacific/Apia', '2011-12-28'],
    ['Asia/Kathmandu', '2026-12-30'],
  ]
}

interface Minute {
  readonly instant: number
  /** What the clock shows: as if it were in UTC. */
  readonly reading: number
}

/** What a clock in the zone shows in each of the minutes of four days. */
function clockReadings(timezone: string, start: number): Minute[] {
  const parts = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const
  const clock = new Intl.DateTimeFormat('en', { timeZone: timezone, hourCycle: 'h23', ...parts })
  return Array.from({ length: 4 * 1_440 }, (_, i) => {
    const instant = start + i * 60_000
    const [month = 1, day, year = 0, hour, minute] = clock.format(instant).match(/\d+/g)?.map(Number) ?? []
    return { instant, reading: Date.UTC(year, month - 1, day, hour, minute) }
  })
}

/** Minute by minute: what matches runs; by the rules of those who keep to times of the day, once, and nothing is left out. */
function expectedRuns(given: Record<FieldName, string>, minutes: readonly Minute[]): number[] {
  const isEveryHour = numbersOf('hour', given.hour).length === 24
  const matches = matcher(given)
  const shown = new Set<number>()
  const runs = new Set<number>()
  for (const [i, { instant, reading }] of minutes.entries()) {
    if (matches(reading) && (isEveryHour || !shown.has(reading))) runs.add(instant)
    shown.add(reading)
    const next = (minutes[i - 1]?.reading ?? reading - 60_000) + 60_000
    for (let left = next; !isEveryHour && left < reading; left += 60_000) {
      if (matches(left)) runs.add(instant + left - next)
    }
  }
  return [...runs].sort((a, b) => a - b)
}

/** Whether a reading of the clock is one that the crontab names. */
function matcher(given: Record<FieldName, string>): (reading: number) => boolean {
  const names: FieldName[] = ['minute', 'hour', 'dayOfWeek', 'dayOfMonth', 'monthOfYear']
  const wanted = names.map((name) => new Set(numbersOf(name, given[name])))
  return (reading) => {
    const date = new Date(reading)
    const time = [date.getUTCMinutes(), date.getUTCHours()]
    const shown = [...time, date.getUTCDay(), date.getUTCDate(), date.getUTCMonth() + 1]
    return shown.every((number, i) => wanted[i]?.has(number))
  }
}

function field(least: number, most: number) {
  const number = fc.integer({ min: least, max: most })
  const step = fc.integer({ min: 1, max: most })
  const part = fc.oneof(
    number.map(String),
    fc.tuple(number, number).map(([from, to]) => `${from}-${to}`),
    fc.tuple(number, number, step).map(([from, to, by]) => `${from}-${to}/${by}`),
    step.map((by) => `*/${by}`),
  )
  return fc.oneof(
    fc.constant('*'),
    fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(',')),
  )
}

const crontabs = fc.record<Record<FieldName, string>>({
  minute: field(0, 59),
  hour: fc.oneof(field(0, 23), fc.constantFrom('*', '0-3', '1', '2')),
  dayOfWeek: fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, field(0, 6)),
  dayOfMonth: fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, field(1, 28)),
  monthOfYear: fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, field(1, 12)),
})
