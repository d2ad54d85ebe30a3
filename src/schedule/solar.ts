import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import type * as Astronomy from 'astronomy-engine'
import { CeleryError } from '../errors.ts'
import type { Due, Moment, Schedule } from './schedule.ts'

/** What the sun does: it crosses an altitude (degrees, of its centre), rising or setting, or stands highest. */
const events = {
  dawn_astronomical: { direction: 1, altitude: -18 },
  dawn_nautical: { direction: 1, altitude: -12 },
  dawn_civil: { direction: 1, altitude: -6 },
  sunrise: { direction: 1, altitude: 'edge' },
  solar_noon: { direction: 0, altitude: 'highest' },
  sunset: { direction: -1, altitude: 'edge' },
  dusk_civil: { direction: -1, altitude: -6 },
  dusk_nautical: { direction: -1, altitude: -12 },
  dusk_astronomical: { direction: -1, altitude: -18 },
} as const

export type SolarEvent = keyof typeof events

/** The sun's edge counts, through the air's refraction, as does ephem, which Celery asks. */
export class SolarSchedule implements Schedule {
  readonly event: SolarEvent
  readonly lat: number
  readonly lon: number

  constructor(event: SolarEvent, lat: number, lon: number) {
    if (!Object.hasOwn(events, event)) {
      const next = `There are ${Object.keys(events).join(', ')}.`
      throw new CeleryError('IMPROPERLY_CONFIGURED', `solar: there is no event ${inspect(event)}`, { next })
    }
    this.event = event
    this.lat = degrees('latitude', lat, 90)
    this.lon = degrees('longitude', lon, 180)
  }

  isDue(lastRunAt: Date, { now }: Moment): Due {
    const dueMs = this.nextAfter(lastRunAt.getTime())
    const nowMs = now.getTime()
    if (dueMs > nowMs) return { isDue: false, next: (dueMs - nowMs) / 1000 }
    return { isDue: true, next: (this.nextAfter(nowMs) - nowMs) / 1000 }
  }

  /** The first such event after an instant, at the earliest a minute; both are milliseconds since the epoch. */
  nextAfter(instant: number): number {
    const { Body, Observer, SearchAltitude, SearchHourAngle, SearchRiseSet } = astronomy()
    const { direction, altitude } = events[this.event]
    const observer = new Observer(this.lat, this.lon, 0)
    // The last event is known to a fraction of a second only: it must not be found again.
    const start = new Date(instant + 60_000)
    const next =
      altitude === 'highest'
        ? SearchHourAngle(Body.Sun, observer, 0, start, 1).time
        : altitude === 'edge'
          ? SearchRiseSet(Body.Sun, observer, direction, start, longestWaitDays)
          : SearchAltitude(Body.Sun, observer, direction, start, longestWaitDays, altitude)
    return next ? next.date.getTime() : instant + longestWaitDays * 86_400_000
  }

  toString(): string {
    return `<solar: ${this.event} at latitude ${this.lat}, longitude: ${this.lon}>`
  }

  [inspect.custom](): string {
    return this.toString()
  }
}

/** At the poles the sun rises once a year. */
const longestWaitDays = 366

/**
 * A task at an event of the sun, at a place. Where the sun does not rise, nothing runs until it does.
 *
 * @param lat degrees, north is positive
 * @param lon degrees, east is positive
 * @throws {CeleryError} IMPROPERLY_CONFIGURED for an event that is not known, and for a place that is not on earth
 * @example
 * solar('sunset', -37.81753, 144.96715)   // in Melbourne
 */
export function solar(event: SolarEvent, lat: number, lon: number): SolarSchedule {
  return new SolarSchedule(event, lat, lon)
}

function degrees(what: string, given: number, most: number): number {
  if (typeof given === 'number' && Math.abs(given) <= most) return given
  throw new CeleryError(
    'IMPROPERLY_CONFIGURED',
    `solar: the ${what} must be -${most} to ${most}; got ${inspect(given)}`,
  )
}

let loaded: typeof Astronomy | undefined

/** Takes a while to load, and few need it. */
function astronomy(): typeof Astronomy {
  loaded ??= createRequire(import.meta.url)('astronomy-engine') as typeof Astronomy
  return loaded
}
