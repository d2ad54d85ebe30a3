import type { Entry } from '../app/periodic.ts'
import type { Moment } from '../schedule/schedule.ts'
import type { Run } from './store.ts'

/** An entry between two runs. Times are milliseconds since the epoch. */
export interface Slot extends Run {
  readonly entry: Entry
  /** When its schedule is worth asking. */
  readonly checkAt: number
}

/** What is to be done now. */
export interface Tick {
  /** All of them, as they are afterwards: whoever is due counts as run, whatever becomes of its sending. */
  readonly slots: readonly Slot[]
  /** To be sent, in this order; as they were before. */
  readonly due: readonly Slot[]
  /** Missed, and let go. */
  readonly tooLate: readonly Slot[]
  /** Schedules that threw; they are asked again when the longest pause is over. */
  readonly faults: readonly { readonly entry: Entry; readonly error: unknown }[]
  /** Until there is something to do. */
  readonly waitMs: number
}

/** Entries with their last runs; one that never ran counts from now on, as in Celery. */
export function slotsOf(entries: readonly Entry[], runs: Readonly<Record<string, Run>>, now: number): Slot[] {
  return entries.map((entry) => {
    const { lastRunAt, totalRunCount } = runs[entry.name] ?? { lastRunAt: now, totalRunCount: 0 }
    return { entry, lastRunAt, totalRunCount, checkAt: now }
  })
}

/** A clock that was set back by more than this begins anew, instead of waiting until it has caught up. */
const setBackMs = 60_000

/**
 * Decides what is due.
 *
 * @param longestMs no schedule is left unasked for longer
 */
export function tick(slots: readonly Slot[], moment: Moment, longestMs: number): Tick {
  const now = moment.now.getTime()
  const outcomes = slots.map((slot) => (isUnasked(slot, now, longestMs) ? { slot } : ask(slot, moment, longestMs)))
  const after = outcomes.map(({ slot }) => slot)
  const before = (is: (outcome: Outcome) => unknown) => slots.filter((_, i) => is(outcomes[i] as Outcome))
  const waits = after.map(({ checkAt }) => checkAt - now)
  return {
    slots: after,
    due: before(({ isDue }) => isDue).sort((a, b) => a.checkAt - b.checkAt),
    tooLate: before(({ isTooLate }) => isTooLate),
    faults: outcomes.flatMap(({ slot, fault }) => (fault ? [{ entry: slot.entry, error: fault.error }] : [])),
    waitMs: Math.min(longestMs, ...waits),
  }
}

interface Outcome {
  readonly slot: Slot
  readonly isDue?: boolean
  readonly isTooLate?: boolean
  readonly fault?: { readonly error: unknown }
}

/** Its time has not come; one that is further away than any was set by a clock that has been set back since. */
const isUnasked = ({ checkAt }: Slot, now: number, longestMs: number) => checkAt > now && checkAt <= now + longestMs

function ask(given: Slot, moment: Moment, longestMs: number): Outcome {
  const now = moment.now.getTime()
  const slot = given.lastRunAt > now + setBackMs ? { ...given, lastRunAt: now } : given
  const later = (seconds: number) => now + Math.min(longestMs, Math.max(1, seconds * 1000 || longestMs))
  try {
    const { isDue, next, isTooLate = false } = slot.entry.schedule.isDue(new Date(slot.lastRunAt), moment)
    const checkAt = later(next)
    if (!isDue) return { slot: { ...slot, checkAt }, isTooLate }
    return { slot: { ...slot, lastRunAt: now, totalRunCount: slot.totalRunCount + 1, checkAt }, isDue }
  } catch (error) {
    return { slot: { ...slot, checkAt: now + longestMs }, fault: { error } }
  }
}
