import { type Settings, settingsTable } from '../config.ts'
import type { Setting } from './kinds.ts'

/** What the environment says wins over everything, as in Celery. */
const environmentNames = { CELERY_BROKER_URL: 'brokerUrl', CELERY_RESULT_BACKEND: 'resultBackend' } as const

/**
 * Checks and completes settings; the result is frozen.
 *
 * @param named settings by their names in camelCase; those that do not act here are passed over
 * @throws {CeleryError} IMPROPERLY_CONFIGURED naming the setting, what it is and what it must be
 */
export function configure(
  named: Readonly<Record<string, unknown>> = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Settings {
  const given = { ...named }
  for (const [variable, name] of Object.entries(environmentNames)) {
    if (environment[variable]) given[name] = environment[variable]
  }
  const table: [string, Setting<unknown>][] = Object.entries(settingsTable)
  const values = table.map(([name, setting]) => [
    name,
    given[name] === undefined ? setting.default : setting.read(given[name], name),
  ])
  return Object.freeze(Object.fromEntries(values))
}
