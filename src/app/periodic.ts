import { inspect } from 'node:util'
import type { CallOptions, Canvas } from '../canvas/canvas.ts'
import { withOptions } from '../canvas/options.ts'
import { describe } from '../canvas/text.ts'
import { CeleryError, messageOf } from '../errors.ts'
import { isObject } from '../protocol/json.ts'
import { type Duration, schedule } from '../schedule/interval.ts'
import { isSchedule, type Schedule } from '../schedule/schedule.ts'
import { camelCase } from './config/case.ts'
import type { Setting } from './config/kinds.ts'

/** Periodic tasks, as people give them: the setting `beatSchedule`. */
export type BeatSchedule = Readonly<Record<string, PeriodicTask>>

/**
 * A task that beat sends again and again.
 *
 * @example
 * { task: 'shop.report', schedule: crontab({ minute: 0, hour: 4 }), args: ['sales'], options: { queue: 'slow' } }
 */
export interface PeriodicTask {
  /** Its name. */
  readonly task: string
  /** Seconds, a length of time, or what `crontab`, `solar` or you make. */
  readonly schedule: number | Duration | Schedule
  /** A function stands for what it gives when the task is sent: the whole list, or one of its items. */
  readonly args?: readonly unknown[] | (() => readonly unknown[] | Promise<readonly unknown[]>)
  /** The same by name. */
  readonly kwargs?: Arguments | (() => Arguments | Promise<Arguments>)
  /** How it is called. */
  readonly options?: CallOptions
  /** With an interval: at full days, hours or minutes. @default false */
  readonly relative?: boolean
}

type Arguments = Readonly<Record<string, unknown>>

/** A periodic task that was found to be in order. */
export interface Entry extends Required<Omit<PeriodicTask, 'schedule' | 'relative'>> {
  /** Names its last run where that is kept. */
  readonly name: string
  readonly schedule: Schedule
  /** What is sent in place of the task, where it is more than one. */
  readonly workflow?: Canvas
}

/** Of a periodic task that is added: its name, and how it is called. */
export interface PeriodicOptions extends CallOptions {
  /** @default its text: `shop.report('sales')` */
  readonly name?: string
  readonly relative?: boolean
}

/** The setting `beatSchedule`. */
export const beatSchedule: Setting<Readonly<Record<string, Entry>>, BeatSchedule> = {
  default: Object.freeze({}),
  read(given, setting) {
    if (!isObject(given)) throw new CeleryError('IMPROPERLY_CONFIGURED', refusal(setting, 'an object', given))
    const entries = Object.entries(given).map(([name, task]) => [name, entryOf(name, task, `${setting}['${name}']`)])
    return Object.freeze(Object.fromEntries(entries))
  },
}

/**
 * Checks and completes a periodic task.
 *
 * @param where names it in errors
 * @throws {CeleryError} IMPROPERLY_CONFIGURED naming the entry, the key, what was given and what is wanted
 */
export function entryOf(name: string, given: unknown, where: string): Entry {
  if (!isObject(given)) throw new CeleryError('IMPROPERLY_CONFIGURED', refusal(where, 'an object', given))
  refuseUnknown(given, keys, where)
  for (const [key, { wants, fits }] of Object.entries(keys)) {
    const isMissing = given[key] === undefined
    if (isMissing ? requiredKeys.has(key) : !fits(given[key])) {
      throw new CeleryError('IMPROPERLY_CONFIGURED', refusal(`${where}.${key}`, wants, given[key]))
    }
  }
  const { task, args = [], kwargs = {}, relative = false, schedule, options = {} } = given as unknown as PeriodicTask
  const named = Object.fromEntries(Object.entries(options).map(([option, value]) => [camelCase(option), value]))
  refuseUnknown(named, callOptions, `${where}.options`)
  const when = scheduleOf(schedule, relative, `${where}.schedule`)
  return Object.freeze({ name, task, args, kwargs, options: named, schedule: when })
}

/** The same of a signature or a workflow; without a name it is named by its text, as Celery does it. */
export function entryOfCanvas(
  schedule: PeriodicTask['schedule'],
  canvas: Canvas,
  { name = describe(canvas), relative = false, ...options }: PeriodicOptions,
): Entry {
  const when = { schedule, relative }
  if (canvas.kind === 'task') {
    const { task, args, kwargs, options: own } = canvas
    return entryOf(name, { task, args, kwargs, options: { ...own, ...options }, ...when }, `'${name}'`)
  }
  const entry = entryOf(name, { task: `celery.${canvas.kind}`, options, ...when }, `'${name}'`)
  return Object.freeze({ ...entry, workflow: withOptions(canvas, entry.options) })
}

function scheduleOf(given: PeriodicTask['schedule'], relative: boolean, where: string): Schedule {
  if (isSchedule(given)) return given
  try {
    return schedule(given, { relative })
  } catch (cause) {
    const next = 'Give seconds, { minutes: 5 }, crontab(…), solar(…), or an object with isDue.'
    throw new CeleryError('IMPROPERLY_CONFIGURED', `${where}: ${messageOf(cause)}`, { cause, next })
  }
}

const isFunction = (given: unknown) => typeof given === 'function'

const keys: Readonly<Record<keyof PeriodicTask, { wants: string; fits: (given: unknown) => boolean }>> = {
  task: { wants: 'the name of a task', fits: (given) => typeof given === 'string' && given !== '' },
  schedule: { wants: 'a schedule', fits: () => true },
  args: { wants: 'a list, or a function that gives one', fits: (given) => Array.isArray(given) || isFunction(given) },
  kwargs: { wants: 'an object, or a function that gives one', fits: (given) => isObject(given) || isFunction(given) },
  options: { wants: 'an object', fits: isObject },
  relative: { wants: 'true or false', fits: (given) => typeof given === 'boolean' },
}

const requiredKeys: ReadonlySet<string> = new Set(['task', 'schedule'])

const callOptions: Readonly<Record<keyof CallOptions, true>> = {
  ...{ taskId: true, countdown: true, eta: true, expires: true, queue: true, exchange: true, exchangeType: true },
  ...{ routingKey: true, priority: true, serializer: true, compression: true, headers: true, shadow: true },
  ...{ timeLimit: true, softTimeLimit: true, ignoreResult: true, link: true, linkError: true, stamps: true },
  ...{ retries: true, replyTo: true, rootId: true, parentId: true, groupId: true, groupIndex: true },
  ...{ deliveryMode: true, replacedTaskNesting: true, chain: true, chord: true },
}

function refuseUnknown(given: object, known: object, where: string): void {
  const [unknown, value] = Object.entries(given).find(([key]) => !Object.hasOwn(known, key)) ?? []
  if (unknown === undefined) return
  const next = `It may have ${Object.keys(known).join(', ')}.`
  throw new CeleryError('IMPROPERLY_CONFIGURED', `${where} has no '${unknown}' (given: ${inspect(value)})`, { next })
}

const refusal = (where: string, wants: string, given: unknown) => `${where} must be ${wants}; got ${inspect(given)}`
