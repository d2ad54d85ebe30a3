import { hostAddress } from '../engine/address.ts'
import type { Engine } from '../engine/engine.ts'
import { StackError } from '../errors.ts'
import { selectRunning } from './selection.ts'

/** Which port of which container. */
export interface PortOptions {
  readonly service: string
  /** Inside the container. */
  readonly port: number
  /** @default 'tcp' */
  readonly protocol?: 'tcp' | 'udp' | undefined
  /** The number of the container. @default the first that runs */
  readonly index?: number | undefined
}

/** Where a port of a container is reached from this machine. */
export interface PublicAddress {
  readonly host: string
  readonly port: number
}

/** @throws {StackError} SERVICE_UNKNOWN, SERVICE_NOT_RUNNING, PORT_UNPUBLISHED */
export async function publicPort(engine: Engine, project: string, options: PortOptions): Promise<PublicAddress> {
  const { service, port, protocol = 'tcp', index } = options
  const { name, ports } = await selectRunning(engine, project, service, index)
  const binding = ports.find((candidate) => candidate.target === port && candidate.protocol === protocol)
  if (binding) return { host: hostAddress(binding, engine.host), port: binding.port }
  const others = ports.map(({ target, protocol: other }) => `${target}/${other}`)
  const known = others.length > 0 ? `it publishes ${[...new Set(others)].join(', ')}` : 'it publishes none'
  throw new StackError('PORT_UNPUBLISHED', `${name} does not publish its port ${port}/${protocol}; ${known}`)
}
