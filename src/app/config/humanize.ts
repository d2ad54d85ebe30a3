import { inspect, isDeepStrictEqual } from 'node:util'
import { isObject } from '../../protocol/json.ts'
import { repr } from '../../protocol/repr.ts'
import { maskUrl } from '../../url.ts'
import { type Settings, settingsTable } from '../config.ts'
import { snakeCase } from './case.ts'

interface TableOptions {
  /** Also what nobody set. @default false */
  readonly withDefaults?: boolean
}

/** The settings under Celery's names, for people and monitors: secrets are masked as Celery masks them. */
export function settingsForPeople(settings: Settings, options: TableOptions = {}): Record<string, unknown> {
  const names = Object.keys(settingsTable) as (keyof Settings)[]
  const shown = names.filter((name) => {
    return options.withDefaults || !isDeepStrictEqual(settings[name], settingsTable[name].default)
  })
  return Object.fromEntries(shown.map((name) => [snakeCase(name), censored(name, settings[name])]))
}

/** The same as text: one `name: value` a line. */
export function humanize(settings: Settings, options: TableOptions = {}): string {
  const entries = Object.entries(settingsForPeople(settings, options))
  return entries.map(([name, value]) => `${name}: ${repr(value)}`).join('\n')
}

const hidden = /API|TOKEN|KEY|SECRET|PASS|SIGNATURE|DATABASE/i

function censored(name: string, value: unknown): unknown {
  if (isPlain(value)) return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, censored(key, part)]))
  if (hidden.test(name)) return '********'
  if (Array.isArray(value)) return value.map((item) => censored(name, item))
  if (typeof value === 'string') return maskUrl(value)
  // Functions, patterns and the like: they are to be seen, and to be sent to who asked.
  return isObject(value) || typeof value === 'function' ? inspect(value) : value
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  isObject(value) && Object.getPrototypeOf(value) === Object.prototype
