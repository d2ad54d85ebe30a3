import { hostAddress } from '../engine/address.ts'
import type { ContainerState, Engine, Health, RunState } from '../engine/engine.ts'
import { attemptProbe, CannotAsk, type Probes, probeTarget } from '../execute/probe.ts'
import type { Role } from '../file/model.ts'
import { roleOf } from '../file/role.ts'
import { isOneOff, numberOf, serviceOf } from '../identity/labels.ts'

/** One container as people want to see it. */
export interface ContainerStatus {
  readonly id: string
  readonly name: string
  readonly service: string
  readonly number: number
  readonly role: Role | undefined
  readonly image: string
  readonly state: RunState
  /** By the engine's health check or, while that is undecided, by our probe. */
  readonly health: Health
  readonly exitCode: number | undefined
  /** For people: `Up 3 minutes (healthy)`. */
  readonly status: string
  /** Published ports as they are reached from this machine. */
  readonly ports: readonly {
    readonly host: string
    readonly port: number
    readonly target: number
    readonly protocol: string
  }[]
  /** A `docker compose run`, not a container of the stack proper. */
  readonly oneOff: boolean
}

/** Every container of a project, by service and number; those whose health is undecided are asked themselves. */
export async function statusOf(
  engine: Engine,
  project: string,
  probes: Probes,
  signal: AbortSignal | undefined,
): Promise<readonly ContainerStatus[]> {
  const containers = await engine.containers(project)
  const statuses = await Promise.all(
    containers.map(async (container): Promise<ContainerStatus> => {
      const { id, name, image, labels, state, exitCode, status, ports } = container
      const role = roleOf({ labels, image, command: [container.command] })
      return {
        id,
        name,
        service: serviceOf(labels),
        number: numberOf(labels),
        role,
        image,
        state,
        health: await healthOf(engine, project, container, role, probes, signal),
        exitCode,
        status,
        ports: reachedPorts(ports, engine.host),
        oneOff: isOneOff(labels),
      }
    }),
  )
  return statuses.sort((a, b) => (a.service === b.service ? a.number - b.number : a.service < b.service ? -1 : 1))
}

const probeTimeoutMs = 1000

async function healthOf(
  engine: Engine,
  project: string,
  { id, labels, state, health }: ContainerState,
  role: Role | undefined,
  probes: Probes,
  signal: AbortSignal | undefined,
): Promise<Health> {
  const probe = role && probes[role]
  const isDecided = health === 'healthy' || health === 'unhealthy'
  if (isDecided || !probe || state !== 'running') return health
  const detail = await engine.inspect(id)
  if (!detail) return health
  const target = await probeTarget(engine, project, serviceOf(labels), role, detail)
  return attemptProbe(probe, target, signal, probeTimeoutMs).then(
    () => 'healthy',
    (thrown: unknown) => (thrown instanceof CannotAsk ? health : 'starting'),
  )
}

/** Docker lists a port once for each address family. */
function reachedPorts(ports: ContainerState['ports'], host: string): ContainerStatus['ports'] {
  const reached = ports.map((binding) => ({ ...binding, host: hostAddress(binding, host) }))
  const key = ({ host: at, port, protocol }: (typeof reached)[number]) => `${at}:${port}/${protocol}`
  return [...new Map(reached.map((binding) => [key(binding), binding])).values()]
}
