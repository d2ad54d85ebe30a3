import { isObject } from '../protocol/json.ts'

/** What is remembered of an entry. */
export interface Run {
  /** Milliseconds since the epoch. */
  readonly lastRunAt: number
  readonly totalRunCount: number
}

/** All that beat remembers. */
export interface Stored {
  /** The settings under which it was written: with others, the last runs mean something else. */
  readonly timezone: string | null
  readonly enableUtc: boolean
  /** By the names of the entries. */
  readonly entries: Readonly<Record<string, Run>>
}

/** Keeps the last runs from one beat to the next, and sees to it that only one sends. */
export interface ScheduleStore {
  /** For people, without secrets. */
  readonly description: string

  /**
   * Resolves when nobody else sends by what is kept here; at once where nobody else can.
   *
   * @param onWait told when there is somebody to wait for, and who
   * @throws {CeleryError} BACKEND_UNREACHABLE, for now; the signal's reason when it aborts
   */
  acquire(signal: AbortSignal, onWait: (holder: string) => void): Promise<void>

  /**
   * Whether that still holds. To be asked right before sending.
   *
   * @throws {CeleryError} BACKEND_UNREACHABLE: nobody knows
   */
  isMine(): Promise<boolean>

  /** Undefined when nothing was kept yet, or what was cannot be read. */
  load(): Promise<Stored | undefined>

  /**
   * Takes the place of what was kept, as a whole or not at all.
   *
   * @throws {CeleryError} BACKEND_UNREACHABLE, IMPROPERLY_CONFIGURED
   */
  save(stored: Stored): Promise<void>

  /** Lets another take over, and ends. */
  close(): Promise<void>
}

const version = 1

/** As it is written: times as people read them. */
export function writeStored({ timezone, enableUtc, entries }: Stored): string {
  const runs = Object.entries(entries).map(([name, { lastRunAt, totalRunCount }]) => {
    return [name, { lastRunAt: new Date(lastRunAt).toISOString(), totalRunCount }]
  })
  return `${JSON.stringify({ version, timezone, enableUtc, entries: Object.fromEntries(runs) }, null, 2)}\n`
}

/** @throws {TypeError | SyntaxError} when it is something else */
export function readStored(text: string): Stored {
  const given: unknown = JSON.parse(text)
  if (!isObject(given) || given.version !== version) throw new TypeError('it is no schedule of this version')
  const { timezone, enableUtc, entries } = given
  const isHead = (timezone === null || typeof timezone === 'string') && typeof enableUtc === 'boolean'
  if (!isHead || !isObject(entries)) throw new TypeError('it is no schedule')
  const runs = Object.entries(entries).map(([name, run]) => [name, readRun(name, run)])
  return { timezone, enableUtc, entries: Object.fromEntries(runs) }
}

function readRun(name: string, run: unknown): Run {
  if (isObject(run)) {
    const { lastRunAt, totalRunCount } = run
    const time = Date.parse(String(lastRunAt))
    if (!Number.isNaN(time) && Number.isInteger(totalRunCount)) {
      return { lastRunAt: time, totalRunCount: Number(totalRunCount) }
    }
  }
  throw new TypeError(`the run of '${name}' cannot be read`)
}
