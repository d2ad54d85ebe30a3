import { inspect } from 'node:util'
import { CeleryError } from '../errors.ts'
import { isObject } from '../protocol/json.ts'
import { humanizeSeconds } from './humanize.ts'
import type { Due, Moment, Schedule } from './schedule.ts'
import { dayMs, firstInstantOf, readingAt } from './zone.ts'

const units = {
  weeks: 7 * dayMs,
  days: dayMs,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1_000,
  milliseconds: 1,
} as const

/** A length of time, by its parts: `{ days: 1, hours: 12 }`; Python's timedelta. */
export type Duration = { readonly [Unit in keyof typeof units]?: number }

export interface IntervalOptions {
  /**
   * Run at the full day, hour or minute, whichever is the largest that the interval has: `{ hours: 2 }` at 12:00, 14:00 …
   * instead of two hours after the last run. @default false
   */
  readonly relative?: boolean
}

/** Every so often after the last run: elapsed time, whatever the clocks on the walls do. */
export class IntervalSchedule implements Schedule {
  /** Seconds. */
  readonly runEvery: number
  readonly relative: boolean

  /** @throws {CeleryError} IMPROPERLY_CONFIGURED when it is no length of time, or none that passes */
  constructor(runEvery: number | Duration, { relative = false }: IntervalOptions = {}) {
    this.runEvery = secondsOf(runEvery)
    this.relative = relative
  }

  isDue(lastRunAt: Date, { now, timezone }: Moment): Due {
    const leftMs = this.#end(lastRunAt.getTime(), timezone) - now.getTime()
    return leftMs <= 0 ? { isDue: true, next: this.runEvery } : { isDue: false, next: leftMs / 1000 }
  }

  #end(startMs: number, timezone: string): number {
    const everyMs = this.runEvery * 1000
    if (!this.relative) return startMs + everyMs
    // Days are of the calendar: one has 23 hours where clocks are set forward.
    if (everyMs >= dayMs) {
      const end = readingAt(timezone, startMs) + everyMs
      return firstInstantOf(timezone, end - (end % dayMs))
    }
    const resolution = [units.hours, units.minutes, units.seconds].find((unit) => everyMs >= unit) ?? 1
    return startMs + everyMs - (readingAt(timezone, startMs + everyMs) % resolution)
  }

  toString(): string {
    return `<freq: ${humanizeSeconds(this.runEvery)}>`
  }

  [inspect.custom](): string {
    return this.toString()
  }
}

/**
 * A task every so often.
 *
 * @param runEvery seconds, or by parts
 * @throws {CeleryError} IMPROPERLY_CONFIGURED when it is no length of time, or none that passes
 * @example
 * schedule(30)
 * schedule({ hours: 2 }, { relative: true })   // at full hours
 */
export function schedule(runEvery: number | Duration, options: IntervalOptions = {}): IntervalSchedule {
  return new IntervalSchedule(runEvery, options)
}

function secondsOf(given: unknown): number {
  const seconds = typeof given === 'number' ? given : isObject(given) ? sum(given) : Number.NaN
  // Beyond it a Date ends.
  if (seconds > 0 && seconds <= 8.64e12) return seconds
  const wants = 'an interval is seconds, more than 0, or parts like { minutes: 5 }'
  throw new CeleryError('IMPROPERLY_CONFIGURED', `${wants}; got ${inspect(given)}`)
}

function sum(parts: Readonly<Record<string, unknown>>): number {
  const total = Object.entries(parts).map(([unit, amount]) => {
    if (!Object.hasOwn(units, unit) || typeof amount !== 'number') return Number.NaN
    return units[unit as keyof typeof units] * amount
  })
  return total.reduce((a, b) => a + b, 0) / 1000
}
