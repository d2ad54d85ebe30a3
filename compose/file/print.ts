import { stringify } from 'yaml'
import { fileKind } from './forms/kinds.ts'
import { goJson, yamlData } from './json.ts'
import type { FileObjectConfig, Model } from './model.ts'

/** How a model may be printed. */
export type PrintFormat = 'yaml' | 'json'

/** The model as a Compose file that says the same again: what `docker compose config` prints. */
export function printModel(model: Model, format: PrintFormat): string {
  const file = escaped(fileOf(model))
  if (format === 'json') return JSON.stringify(JSON.parse(goJson(fileKind, file)), null, 2)
  // Compose's own order.
  const { name, services, networks, volumes, secrets, configs } = yamlData(fileKind, file) as Record<string, unknown>
  const whole = JSON.parse(JSON.stringify({ name, services, networks, volumes, secrets, configs }))
  return stringify(whole, { lineWidth: 0, aliasDuplicateObjects: false, version: '1.1' }).trimEnd()
}

function fileOf({ name, services, networks, volumes, secrets, configs }: Model): object {
  const filled = <T>(section: Readonly<Record<string, T>>) => (Object.keys(section).length > 0 ? section : undefined)
  return {
    name,
    services: mapValues(services, ({ config: { label_file: _, ...config } }) => config),
    networks: filled(networks),
    volumes: filled(volumes),
    secrets: filled(mapValues(secrets, withoutValue)),
    configs: filled(mapValues(configs, withoutValue)),
  }
}

/** What an environment variable holds is not told; its name is. */
function withoutValue(object: FileObjectConfig): FileObjectConfig {
  const { content, ...rest } = object
  return content === undefined || object.environment !== undefined ? rest : object
}

/** A dollar sign of a value is none of a variable when the file is read again. */
function escaped(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$')
  if (Array.isArray(value)) return value.map(escaped)
  return typeof value === 'object' && value !== null ? mapValues(value, escaped) : value
}

function mapValues<T, U>(
  object: Readonly<Record<string, T>> | object,
  change: (value: T) => U,
): Readonly<Record<string, U>> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value as T)]))
}
