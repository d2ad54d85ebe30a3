import { StackError } from '../errors.ts'
import { imageName, type Model } from '../file/model.ts'
import { type PrintFormat, printModel } from '../file/print.ts'
import { examineProject, type ProjectOptions } from '../file/project.ts'
import { withoutUnused } from '../file/resolve.ts'
import { configHash } from '../identity/hash.ts'
import { withDependencies } from '../plan/graph.ts'

/** Which project. */
export type ConfigOptions = ProjectOptions

/** What the files of a project say, as they are understood. Needs no engine. */
export interface Config {
  readonly name: string
  /** By name, in order. */
  readonly services: readonly string[]
  readonly networks: readonly string[]
  readonly volumes: readonly string[]
  readonly images: readonly string[]
  /** Every profile that a service names, active or not. */
  readonly profiles: readonly string[]
  /** Service → config-hash, as Docker's own Compose 2.40 writes it on containers. */
  hashes(): Readonly<Record<string, string>>
  /** What is understood but not carried out. */
  readonly warnings: readonly string[]
  /** What is allowed and will be regretted. */
  readonly advice: readonly string[]
  /** As `docker compose config` prints it. */
  print(format: PrintFormat): string
}

/**
 * Reads the files of a project.
 *
 * @param services only these and what they depend on
 * @throws {StackError} COMPOSE_FILE_NOT_FOUND, COMPOSE_FILE_INVALID, COMPOSE_UNSUPPORTED, SERVICE_UNKNOWN
 * @example
 * console.log(readConfig({ directory: 'shop' }).print('yaml'))
 */
export function readConfig(options: ConfigOptions, services: readonly string[] = []): Config {
  const { model: whole, advice, profiles } = examineProject(options)
  const model = services.length > 0 ? only(whole, services) : whole
  const inOrder = Object.values(model.services).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return {
    name: model.name,
    services: inOrder.map(({ name }) => name),
    networks: Object.keys(model.networks).sort(),
    volumes: Object.keys(model.volumes).sort(),
    images: inOrder.map((service) => imageName(model.name, service)),
    profiles,
    hashes: () => Object.fromEntries(inOrder.map(({ name, config }) => [name, configHash(config, 'v2')])),
    warnings: model.warnings,
    advice,
    print: (format) => printModel(model, format),
  }
}

function only(model: Model, wanted: readonly string[]): Model {
  const missing = wanted.find((name) => !Object.hasOwn(model.services, name))
  if (missing !== undefined) throw new StackError('SERVICE_UNKNOWN', `there is no service "${missing}"`)
  const needed = withDependencies(wanted, (name) => Object.keys(model.services[name]?.config.depends_on ?? {}))
  const services = Object.fromEntries(Object.entries(model.services).filter(([name]) => needed.has(name)))
  return withoutUnused({ ...model, services })
}
