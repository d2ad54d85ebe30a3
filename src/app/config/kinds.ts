import { inspect } from 'node:util'
import { CeleryError } from '../../errors.ts'
import { logLevels, parseLogLevel } from '../../log.ts'
import type { Queue } from '../../protocol/entity.ts'
import { isObject } from '../../protocol/json.ts'
import { isTimezone } from '../../schedule/zone.ts'
import { maskUrl } from '../../url.ts'
import type { TaskAnnotations } from '../annotations.ts'
import { isRate } from '../rate.ts'
import type { TaskRoutes } from '../router.ts'
import { camelCase } from './case.ts'

/** What a setting may hold. */
export interface Kind<T> {
  /** For people: `a text`. */
  readonly wants: string
  fits(given: unknown): given is T
}

/** A setting: what it is when nobody sets it, and how a given value is read. */
export interface Setting<T, Given = T> {
  readonly default: T
  /** Its type is what people may give; there is never a value. */
  readonly given?: Given
  /** @throws {CeleryError} IMPROPERLY_CONFIGURED naming the setting, what was given and what is wanted */
  read(given: unknown, name: string): T
}

/** A setting of parts, each with its own default; a value names only what differs. */
export interface Group<Parts extends Record<string, Setting<unknown>>> extends Setting<ValuesOf<Parts>> {
  readonly parts: Parts
}

export type ValuesOf<Table extends Record<string, Setting<unknown>>> = {
  readonly [Name in keyof Table]: Table[Name]['default']
}

export function setting<T>(kind: Kind<T>, value: T): Setting<T> {
  const read = (given: unknown, name: string) => {
    if (kind.fits(given)) return given
    const got = maskUrl(inspect(given, { breakLength: Number.POSITIVE_INFINITY }))
    throw new CeleryError('IMPROPERLY_CONFIGURED', `the setting '${name}' must be ${kind.wants}; got ${got}`)
  }
  return { default: value, read }
}

/** One address, or several that stand in for each other, which are kept as kombu writes them: `a;b`. */
export function addresses(value: string): Setting<string, string | readonly string[]> {
  const one = setting(text, value)
  const read = (given: unknown, name: string) => one.read(texts.fits(given) ? given.join(';') : given, name)
  return { default: value, read }
}

export function group<Parts extends Record<string, Setting<unknown>>>(parts: Parts): Group<Parts> {
  const defaults = Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.default]))
  const read = (given: unknown, name: string) => {
    const values = setting(mapping, {}).read(given, name)
    const known = Object.entries(values).map(([key, value]) => {
      const part = camelCase(key)
      if (Object.hasOwn(parts, part)) return [part, parts[part]?.read(value, `${name}.${part}`)]
      const next = `It has ${Object.keys(parts).join(', ')}.`
      throw new CeleryError('IMPROPERLY_CONFIGURED', `the setting '${name}' has no '${key}'`, { next })
    })
    return Object.freeze({ ...defaults, ...Object.fromEntries(known) })
  }
  return { parts, default: Object.freeze(defaults) as ValuesOf<Parts>, read }
}

export const text: Kind<string> = {
  wants: 'a text',
  fits: (given): given is string => typeof given === 'string' && given !== '',
}

export const anyText: Kind<string> = { wants: 'a text', fits: (given) => typeof given === 'string' }

export const flag: Kind<boolean> = { wants: 'true or false', fits: (given) => typeof given === 'boolean' }

export const amount: Kind<number> = {
  wants: 'a number, 0 or more',
  fits: (given): given is number => typeof given === 'number' && given >= 0,
}

export const seconds: Kind<number> = { ...amount, wants: 'seconds (a number, 0 or more)' }

export const count: Kind<number> = {
  wants: 'a whole number, 0 or more',
  fits: (given): given is number => Number.isInteger(given) && Number(given) >= 0,
}

export const texts: Kind<readonly string[]> = {
  wants: 'a list of texts',
  fits: (given): given is string[] => Array.isArray(given) && given.every(text.fits),
}

export const numbers: Kind<readonly number[]> = {
  wants: 'a list of whole numbers, 0 or more',
  fits: (given): given is number[] => Array.isArray(given) && given.length > 0 && given.every(count.fits),
}

/** Rules about tasks; what is in them is read where they are applied. */
const rules = <T extends object>(): Kind<T> => ({
  wants: 'an object, a list or a function',
  fits: (given): given is T => typeof given === 'function' || Array.isArray(given) || isObject(given),
})

export const routes: Kind<TaskRoutes> = rules()

export const annotations: Kind<TaskAnnotations> = rules()

export const queues: Kind<readonly (string | Queue)[]> = {
  wants: 'a list of queues, by name or from queue()',
  fits: (given): given is Queue[] =>
    Array.isArray(given) && given.every((one) => text.fits(one) || (isObject(one) && text.fits(one.name))),
}

export const deliveryMode: Kind<1 | 2 | 'transient' | 'persistent'> = {
  wants: "1 ('transient') or 2 ('persistent')",
  fits: (given): given is 1 => ([1, 2, 'transient', 'persistent'] as unknown[]).includes(given),
}

export const rate: Kind<string | number> = {
  wants: "a rate ('100/m', '10/s', a number a second)",
  fits: (given): given is string => isRate(given),
}

export const logLevel: Kind<string> = {
  wants: `one of ${logLevels.join(', ')}`,
  fits: (given): given is string => typeof given === 'string' && parseLogLevel(given) !== undefined,
}

export const timezone: Kind<string> = { wants: "a time zone ('Europe/Berlin')", fits: isTimezone }

export const oneOf = <T extends string>(values: readonly T[]): Kind<T> => ({
  wants: `one of ${values.join(', ')}`,
  fits: (given): given is T => values.some((value) => value === given),
})

export const mapping: Kind<Record<string, unknown>> = { wants: 'an object', fits: isObject }

export const orNull = <T>(kind: Kind<T>): Kind<T | null> => ({
  wants: `${kind.wants}, or null`,
  fits: (given): given is T | null => given === null || kind.fits(given),
})
