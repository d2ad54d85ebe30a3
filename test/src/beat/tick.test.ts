import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Entry, entryOf } from '../../../src/app/periodic.ts'
import { type Slot, slotsOf, tick } from '../../../src/beat/tick.ts'
import { crontab } from '../../../src/schedule/crontab.ts'
import type { Schedule } from '../../../src/schedule/schedule.ts'

const start = Date.parse('2026-11-21T12:00:00Z')
const longestMs = 300_000

const entry = (name: string, schedule: number | Schedule): Entry => entryOf(name, { task: 't', schedule }, name)

const moment = (now: number, cronStartingDeadline: number | null = null) => ({
  now: new Date(now),
  timezone: 'UTC',
  cronStartingDeadline,
})

const run = (lastRunAt: number, totalRunCount = 0) => ({ lastRunAt, totalRunCount })
const names = (slots: readonly Slot[]) => slots.map(({ entry: { name } }) => name)

describe('a tick', () => {
  it('of no entries waits the longest', () => {
    expect(tick([], moment(start), longestMs)).toMatchObject({ slots: [], due: [], waitMs: longestMs })
  })

  it('lets an entry that never ran wait for its first time', () => {
    const { due, waitMs } = tick(slotsOf([entry('a', 30)], {}, start), moment(start), longestMs)
    expect([names(due), waitMs]).toEqual([[], 30_000])
  })

  it('sends what is due, counts it as run, and says when it is next', () => {
    const slots = slotsOf([entry('a', 30), entry('b', 45)], { a: run(start - 30_000, 6), b: run(start) }, start)
    const { due, slots: after, waitMs } = tick(slots, moment(start), longestMs)
    expect(names(due)).toEqual(['a'])
    expect(after.map(({ lastRunAt, totalRunCount }) => [lastRunAt - start, totalRunCount])).toEqual([
      [0, 7],
      [0, 0],
    ])
    expect(waitMs).toBe(30_000)
  })

  it('sends what was missed often once', () => {
    const slots = slotsOf([entry('a', crontab({ minute: '*/5' }))], { a: run(start - 3_600_000) }, start)
    const first = tick(slots, moment(start + 1_000), longestMs)
    expect(names(first.due)).toEqual(['a'])
    expect(tick(first.slots, moment(start + 2_000), longestMs)).toMatchObject({ due: [], waitMs: 298_000 })
  })

  it('lets go what was missed too long ago, and says so', () => {
    const slots = slotsOf([entry('a', crontab({ minute: 0 }))], { a: run(start - 7_200_000) }, start)
    const { due, tooLate } = tick(slots, moment(start + 61_000, 60), longestMs)
    expect([names(due), names(tooLate)]).toEqual([[], ['a']])
  })

  it('sends in the order in which things fell due', () => {
    const entries = [entry('a', 30), entry('b', 10), entry('c', 20)]
    const { slots } = tick(slotsOf(entries, {}, start), moment(start), longestMs)
    expect(names(tick(slots, moment(start + 40_000), longestMs).due)).toEqual(['b', 'c', 'a'])
  })

  it('asks no schedule before it said it is worth it', () => {
    let asked = 0
    const mine: Schedule = { isDue: () => ({ isDue: ++asked < 0, next: 60 }) }
    let slots: readonly Slot[] = slotsOf([entry('a', mine)], {}, start)
    for (const seconds of [0, 1, 59, 60, 61]) slots = tick(slots, moment(start + seconds * 1000), longestMs).slots
    expect(asked).toBe(2)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e9, undefined as never])(
    'asks a schedule again after the longest pause, when it says %d',
    (next) => {
      const slots = slotsOf([entry('a', { isDue: () => ({ isDue: false, next }) })], {}, start)
      expect(tick(slots, moment(start), longestMs).waitMs).toBe(longestMs)
    },
  )

  it('reports a schedule that throws, and goes on with the others', () => {
    const broken: Schedule = {
      isDue() {
        throw new Error('no idea')
      },
    }
    const slots = slotsOf([entry('broken', broken), entry('a', 1)], { a: run(0) }, start)
    const { due, faults, waitMs } = tick(slots, moment(start), longestMs)
    expect(faults).toMatchObject([{ entry: { name: 'broken' }, error: new Error('no idea') }])
    expect([names(due), waitMs]).toEqual([['a'], 1_000])
  })

  it('begins anew when the clock was set back by hours, and not for a second', () => {
    const slots = slotsOf([entry('a', 30)], { a: run(start, 5) }, start)
    const { slots: before } = tick(slots, moment(start), longestMs)
    const back = start - 7_200_000
    const { slots: after, waitMs } = tick(before, moment(back), longestMs)
    expect(after[0]).toMatchObject({ lastRunAt: back, totalRunCount: 5 })
    expect(waitMs).toBe(30_000)
    const corrected = tick(before, moment(start - 1_000), longestMs)
    expect(corrected.slots[0]).toMatchObject({ lastRunAt: start })
    expect(corrected.waitMs).toBe(31_000)
  })

  it('sends each run once, however it is called', () => {
    const steps = fc.array(fc.integer({ min: 1, max: 400_000 }), { minLength: 1, maxLength: 60 })
    const property = (minutes: number, pauses: number[]) => {
      let slots: readonly Slot[] = slotsOf([entry('a', crontab({ minute: `*/${minutes}` }))], {}, start)
      let now = start
      let sent = 0
      let isExpected = 0
      for (const pause of pauses) {
        const before = now
        now += pause
        const next = tick(slots, moment(now), longestMs)
        slots = next.slots
        sent += next.due.length
        // One, if at least one of its minutes has begun meanwhile.
        const begun = Array.from({ length: Math.floor(now / 60_000) - Math.floor(before / 60_000) }, (_, i) => {
          return (Math.floor(before / 60_000) + 1 + i) % 60
        })
        if (begun.some((minute) => minute % minutes === 0)) isExpected += 1
      }
      expect(sent).toBe(isExpected)
    }
    fc.assert(fc.property(fc.integer({ min: 1, max: 59 }), steps, property), { numRuns: 200 })
  })
})
