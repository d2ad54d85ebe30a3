import { inspect } from 'node:util'
import { CeleryError } from '../errors.ts'
import { type Cronspec, type FieldName, fields, numbersOf } from './crontab-field.ts'
import type { Due, Moment, Schedule } from './schedule.ts'
import { dayMs, firstInstantOf, instantsOf, offsetAt, readingAt } from './zone.ts'

/** The fields of a crontab; each is `*` when it is not given. */
export type CrontabFields = { readonly [Name in FieldName]?: Cronspec }

/**
 * The minutes that a crontab names, on the clocks of a time zone. A day must be named by its month, its day of the month
 * and its day of the week, all three.
 *
 * Where clocks are set forward or back: a crontab for every hour runs in each minute that its clock shows, also in an
 * hour that comes twice. Any other runs once for each time that it names: at the first if it comes twice, and if it is
 * left out as long after the clocks were set as it was to be (02:30 becomes 03:30).
 */
export class CrontabSchedule implements Schedule {
  readonly given: Required<CrontabFields>
  readonly #days: DayPattern
  /** Milliseconds since midnight, in order. */
  readonly #times: readonly number[]
  readonly #isEveryHour: boolean

  constructor(given: CrontabFields) {
    const unknown = Object.keys(given).find((name) => !Object.hasOwn(fields, name))
    if (unknown !== undefined) {
      const next = `There are ${Object.keys(fields).join(', ')}.`
      throw new CeleryError('IMPROPERLY_CONFIGURED', `crontab: there is no field '${unknown}'`, { next })
    }
    const { minute = '*', hour = '*', dayOfWeek = '*', dayOfMonth = '*', monthOfYear = '*' } = given
    this.given = Object.freeze({ minute, hour, dayOfWeek, dayOfMonth, monthOfYear })
    const hours = numbersOf('hour', hour)
    const minutes = numbersOf('minute', minute)
    this.#times = hours.flatMap((h) => minutes.map((m) => (h * 60 + m) * 60_000))
    this.#isEveryHour = hours.length === 24
    this.#days = {
      week: new Set(numbersOf('dayOfWeek', dayOfWeek)),
      month: new Set(numbersOf('dayOfMonth', dayOfMonth)),
      year: new Set(numbersOf('monthOfYear', monthOfYear)),
    }
    if (everyDate.some((date) => isMonthAndDay(date, this.#days))) return
    const never = `no month of ${inspect(monthOfYear)} has a day ${inspect(dayOfMonth)}`
    throw new CeleryError('IMPROPERLY_CONFIGURED', `crontab: it would never run: ${never}`)
  }

  isDue(lastRunAt: Date, { now, timezone, cronStartingDeadline: deadline }: Moment): Due {
    const nowMs = now.getTime()
    const dueMs = this.nextAfter(lastRunAt.getTime(), timezone)
    if (dueMs > nowMs) return { isDue: false, next: (dueMs - nowMs) / 1000 }
    const next = (this.nextAfter(nowMs, timezone) - nowMs) / 1000
    const oldestMs = deadline === null ? dueMs : Math.max(dueMs, nowMs - deadline * 1000)
    return this.nextAfter(oldestMs - 1, timezone) > nowMs
      ? { isDue: false, next, isTooLate: true }
      : { isDue: true, next }
  }

  /** The first run after an instant; both are milliseconds since the epoch. */
  nextAfter(instant: number, timezone: string): number {
    const reading = readingAt(timezone, instant)
    // A time that is left out on the day before may be made up for on this one.
    for (let day = reading - mod(reading, dayMs) - dayMs; ; day += dayMs) {
      const date = new Date(day)
      if (!isMonthAndDay(date, this.#days) || !this.#days.week.has(date.getUTCDay())) continue
      const found = this.#firstOn(day, instant, timezone)
      if (found !== undefined) return found
    }
  }

  /** The first run on a day that is after an instant. */
  #firstOn(day: number, instant: number, timezone: string): number | undefined {
    const offsets = [offsetAt(timezone, day - dayMs), offsetAt(timezone, day + 2 * dayMs)]
    const [west, east] = [Math.min(...offsets), Math.max(...offsets)]
    let first: number | undefined
    for (const time of this.#times) {
      const reading = day + time
      if (reading - west <= instant) continue
      if (first !== undefined && reading - east >= first) break
      const runs = west === east ? [reading - west] : this.#runsAt(reading, timezone)
      for (const run of runs) if (run > instant && run < (first ?? Number.POSITIVE_INFINITY)) first = run
    }
    return first
  }

  #runsAt(reading: number, timezone: string): readonly number[] {
    return this.#isEveryHour ? instantsOf(timezone, reading) : [firstInstantOf(timezone, reading)]
  }

  toString(): string {
    const { minute, hour, dayOfMonth, monthOfYear, dayOfWeek } = this.given
    return `<crontab: ${minute} ${hour} ${dayOfMonth} ${monthOfYear} ${dayOfWeek} (m/h/dM/MY/d)>`
  }

  [inspect.custom](): string {
    return this.toString()
  }
}

/**
 * A task at the times that a crontab names; every minute, where it names none.
 *
 * @throws {CeleryError} IMPROPERLY_CONFIGURED naming the field, what was given and what is wrong with it
 * @example
 * crontab({ minute: 30, hour: 4 })                            // daily at 04:30
 * crontab({ minute: [0, 15, 30, 45], hour: '8-17', dayOfWeek: 'mon-fri' })
 * crontab({ minute: 0, hour: [6, 18], dayOfMonth: '1-7', dayOfWeek: 'mon' })   // on the first Monday of a month
 */
export function crontab(given: CrontabFields = {}): CrontabSchedule {
  return new CrontabSchedule(given)
}

/**
 * Reads a line of a crontab: minute, hour, day of the month, month, day of the week.
 *
 * @throws {CeleryError} IMPROPERLY_CONFIGURED
 * @example
 * crontab.fromString('0 4 * * mon')
 */
crontab.fromString = (line: string): CrontabSchedule => {
  const [minute, hour, dayOfMonth, monthOfYear, dayOfWeek, ...more] = line.trim().split(/\s+/)
  if (!minute || !hour || !dayOfMonth || !monthOfYear || !dayOfWeek || more.length > 0) {
    const next = 'Write minute, hour, day of the month, month and day of the week, with blanks between: 0 4 * * mon'
    throw new CeleryError('IMPROPERLY_CONFIGURED', `crontab: '${line}' has not five fields`, { next })
  }
  return new CrontabSchedule({ minute, hour, dayOfMonth, monthOfYear, dayOfWeek })
}

interface DayPattern {
  readonly week: ReadonlySet<number>
  readonly month: ReadonlySet<number>
  readonly year: ReadonlySet<number>
}

const isMonthAndDay = (date: Date, { month, year }: DayPattern) =>
  year.has(date.getUTCMonth() + 1) && month.has(date.getUTCDate())

/** Those of a leap year, which has them all. */
const everyDate: readonly Date[] = Array.from({ length: 366 }, (_, i) => new Date(Date.UTC(2000, 0, 1 + i)))

const mod = (n: number, size: number) => ((n % size) + size) % size
