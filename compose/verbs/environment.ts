import { reachable, rewriteAddresses } from '../engine/address.ts'
import type { Engine } from '../engine/engine.ts'
import { StackError } from '../errors.ts'
import type { Model } from '../file/model.ts'
import type { OpenedProject } from '../file/project.ts'
import { roleOf } from '../file/role.ts'
import { type ObservedContainer, serviceContainers } from '../plan/observe.ts'

/**
 * The environment of a service's container, or what it would be; the first worker's, if no service is named.
 *
 * @throws {StackError} SERVICE_UNKNOWN
 */
export async function environmentOf(
  engine: Engine,
  project: OpenedProject,
  service: string | undefined,
): Promise<Readonly<Record<string, string>>> {
  const containers = await engine.containers(project.name)
  const own = serviceContainers(containers).find((container) => isMeant(container, service))
  const detail = own && (await engine.inspect(own.id))
  const environment = detail?.environment ?? fromFile(project.model(), service)
  return rewriteAddresses(environment, reachable(containers), engine.host)
}

function isMeant({ service, labels, image, command }: ObservedContainer, wanted: string | undefined): boolean {
  return wanted === undefined ? roleOf({ labels, image, command: [command] }) === 'worker' : service === wanted
}

/** What the container would get, when there is none yet. */
function fromFile({ services }: Model, wanted: string | undefined): Readonly<Record<string, string>> {
  const service = Object.values(services).find(({ name, role }) =>
    wanted === undefined ? role === 'worker' : name === wanted,
  )
  if (!service) {
    const message = wanted === undefined ? 'no service runs a worker' : `there is no service "${wanted}"`
    throw new StackError('SERVICE_UNKNOWN', message)
  }
  const values = Object.entries(service.config.environment ?? {})
  return Object.fromEntries(values.flatMap(([key, value]) => (value === null ? [] : [[key, value]])))
}
