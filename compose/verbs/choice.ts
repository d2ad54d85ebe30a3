import { StackError } from '../errors.ts'
import type { Model, Service } from '../file/model.ts'
import { withDependencies } from '../plan/graph.ts'

/** The services that were named, or all of them. @throws {StackError} SERVICE_UNKNOWN */
export function chosenServices(
  model: Model,
  { services, dependencies = false }: { services?: readonly string[] | undefined; dependencies?: boolean | undefined },
): readonly Service[] {
  if (!services?.length) return Object.values(model.services)
  const unknown = services.find((name) => !Object.hasOwn(model.services, name))
  if (unknown !== undefined) throw new StackError('SERVICE_UNKNOWN', `there is no service "${unknown}"`)
  const dependenciesOf = (name: string) => Object.keys(model.services[name]?.config.depends_on ?? {})
  const wanted = dependencies ? withDependencies(services, dependenciesOf) : new Set(services)
  return Object.values(model.services).filter(({ name }) => wanted.has(name))
}
