/** When a task is due. `schedule`, `crontab` and `solar` make one, and so may you. */
export interface Schedule {
  /**
   * Asked at the start, when `next` has passed, and at least every `beatMaxLoopInterval` seconds.
   *
   * @example
   * const whenFull: Schedule = { isDue: () => ({ isDue: basket.length >= 100, next: 5 }) }
   */
  isDue(lastRunAt: Date, moment: Moment): Due
}

/** When and where a schedule is asked. */
export interface Moment {
  readonly now: Date
  /** An IANA name: in which days begin, and hours have their numbers. */
  readonly timezone: string
  /** Seconds after which a crontab's missed run is let go; null for never. */
  readonly cronStartingDeadline: number | null
}

export interface Due {
  readonly isDue: boolean
  /** Seconds until it is worth asking again. */
  readonly next: number
  /** A run was missed that is too old by now. */
  readonly isTooLate?: boolean
}

export function isSchedule(given: unknown): given is Schedule {
  return typeof given === 'object' && given !== null && 'isDue' in given && typeof given.isDue === 'function'
}
