import type { Model, Project, Service, ServiceConfig } from '../file/model.ts'
import { roleOf } from '../file/role.ts'
import { dependsOn } from '../identity/labels.ts'
import type { ObservedContainer } from './observe.ts'

/**
 * The model of a project as far as its containers remember it: services, how many containers each has, and whom they
 * wait for. Enough to start and restart them, whatever the compose file has become.
 */
export function rememberedModel({ name, directory, files }: Project, containers: readonly ObservedContainer[]): Model {
  const services = [...Map.groupBy(containers, ({ service }) => service)].map(([service, its]) => [
    service,
    rememberedService(service, its),
  ])
  const nothing = { disabled: [], networks: {}, volumes: {}, secrets: {}, configs: {}, warnings: [] }
  return { name, directory, files, services: Object.fromEntries(services), ...nothing }
}

function rememberedService(name: string, containers: readonly ObservedContainer[]): Service {
  const [first] = containers
  const { image = '', command = '', labels = {} } = first ?? {}
  const role = roleOf({ labels, image, command: [command] })
  const config: ServiceConfig = { image, command: null, entrypoint: null, depends_on: dependsOn(labels) }
  return { name, role, replicas: containers.length, config }
}
