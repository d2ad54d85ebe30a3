import { hostAddress, reachable, rewriteAddresses } from '../engine/address.ts'
import type { ContainerDetail, Engine } from '../engine/engine.ts'
import type { Role } from '../file/model.ts'
import { mainPorts } from '../file/role.ts'

/** Resolves when the service really answers; rejects with the reason when it does not, or not yet. */
export type Probe = (target: ProbeTarget, signal: AbortSignal) => Promise<void>
/** A probe for each role that has one. */
export type Probes = Readonly<Partial<Record<Role, Probe>>>

/** Thrown by a probe whose question can never reach the service from here: whoever waits goes by what else there is. */
export class CannotAsk extends Error {}

/** The container that a probe asks. */
export interface ProbeTarget {
  readonly role: Role
  readonly service: string
  readonly container: string
  /** Of the container; the host part of a worker's node name. */
  readonly hostname: string
  /** The container's, with every address that names a service of the stack as the host reaches it. */
  readonly environment: Readonly<Record<string, string>>
  /** The service's own main port seen from the host, if it is published. */
  readonly address?: { readonly host: string; readonly port: number }
  /** Hosts that containers of the stack know and this machine does not. */
  readonly inside: readonly string[]
}

const attemptTimeoutMs = 5000

/** One attempt, which ends even if the probe does not. */
export async function attemptProbe(
  probe: Probe,
  target: ProbeTarget,
  outer: AbortSignal | undefined,
  timeoutMs = attemptTimeoutMs,
): Promise<void> {
  const timeout = AbortSignal.timeout(timeoutMs)
  const signal = outer ? AbortSignal.any([outer, timeout]) : timeout
  await Promise.race([probe(target, signal), never(signal)])
}

/** What a probe needs to know of a container, as things are now. */
export async function probeTarget(
  engine: Engine,
  project: string,
  service: string,
  role: Role,
  detail: ContainerDetail,
): Promise<ProbeTarget> {
  const containers = await engine.containers(project)
  const own = containers.find(({ id }) => id === detail.id)
  const services = reachable(containers)
  const binding = own?.ports.find(({ target }) => target === mainPorts[role])
  return {
    role,
    service,
    container: own?.name ?? detail.name,
    hostname: detail.hostname,
    environment: rewriteAddresses(detail.environment, services, engine.host),
    inside: services.flatMap(({ names }) => names),
    ...(binding && { address: { host: hostAddress(binding, engine.host), port: binding.port } }),
  }
}

/** Never resolves; rejects when the signal aborts. */
export function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
