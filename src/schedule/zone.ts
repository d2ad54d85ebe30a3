import { CeleryError } from '../errors.ts'

/**
 * Time zones: what a clock on the wall shows. A reading of such a clock is a number as well: the milliseconds since
 * the epoch at which a clock in UTC shows the same.
 */

export const dayMs = 86_400_000

export function isTimezone(name: unknown): name is string {
  try {
    return typeof name === 'string' && name !== '' && Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}

/** This machine's zone. */
export const localTimezone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone

/** What the clock shows at an instant. */
export function readingAt(timezone: string, instant: number): number {
  return instant + offsetAt(timezone, instant)
}

/** The instants at which the clock shows this: one; two when it is set back over it; none when it is set forward. */
export function instantsOf(timezone: string, reading: number): readonly number[] {
  const offsets = new Set([offsetAt(timezone, reading - dayMs), offsetAt(timezone, reading + dayMs)])
  const instants = [...offsets].map((offset) => reading - offset)
  return instants.filter((instant) => readingAt(timezone, instant) === reading).sort((a, b) => a - b)
}

/** The first of them; where there is none, as long after the clock was set forward as the reading was to be. */
export function firstInstantOf(timezone: string, reading: number): number {
  return instantsOf(timezone, reading)[0] ?? reading - offsetAt(timezone, reading - dayMs)
}

/** Milliseconds by which the clock is ahead of UTC. */
export function offsetAt(timezone: string, instant: number): number {
  if (timezone === 'UTC') return 0
  const [, sign, hours, minutes, seconds = 0] =
    /GMT([+-])(\d+):(\d+)(?::(\d+))?/.exec(clockOf(timezone).format(instant)) ?? []
  if (sign === undefined) return 0
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * (sign === '-' ? -1_000 : 1_000)
}

const clocks = new Map<string, Intl.DateTimeFormat>()

/** Writes `1/1/1970, GMT+01:00`. Making one is slow. */
function clockOf(timezone: string): Intl.DateTimeFormat {
  const known = clocks.get(timezone)
  if (known) return known
  if (!isTimezone(timezone)) throw new CeleryError('IMPROPERLY_CONFIGURED', `there is no time zone '${timezone}'`)
  const clock = new Intl.DateTimeFormat('en', { timeZone: timezone, timeZoneName: 'longOffset' })
  clocks.set(timezone, clock)
  return clock
}
