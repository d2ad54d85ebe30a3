import { serviceOf } from '../identity/labels.ts'
import type { ContainerState, PortBinding } from './engine.ts'

/** The two views of an address: containers say `rabbitmq:5672`, the host says 127.0.0.1 and whichever port was free. */
export interface Reachable {
  /** What containers call it: service and container name. */
  readonly names: readonly string[]
  readonly ports: readonly PortBinding[]
  /** The whole address of a service that stands in for the one the file names. */
  readonly url: string | undefined
}

/** What containers call each other, and where the host finds it. */
export function reachable(containers: readonly ContainerState[]): readonly Reachable[] {
  return containers.map(({ name, labels, ports, url }) => ({ names: [serviceOf(labels), name], ports, url }))
}

const defaultPorts: Readonly<Record<string, number>> = {
  amqp: 5672,
  amqps: 5671,
  pyamqp: 5672,
  redis: 6379,
  rediss: 6379,
  http: 80,
  https: 443,
}

const urlPattern =
  /\b(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?<credentials>[^\s@/]*@)?(?<host>[a-z0-9_][a-z0-9_.-]*)(?::(?<port>\d+))?(?<path>\/[^\s;,]*)?/gi

/** Rewrites every address in every value so that it works from the host; other text stays as it is. */
export function rewriteAddresses(
  environment: Readonly<Record<string, string>>,
  services: readonly Reachable[],
  host: string,
): Readonly<Record<string, string>> {
  const rewritten = Object.entries(environment).map(([key, value]) => [key, rewriteUrls(value, services, host)])
  return Object.fromEntries(rewritten)
}

function rewriteUrls(text: string, services: readonly Reachable[], host: string): string {
  return text.replace(urlPattern, (...match) => {
    const whole = match[0] as string
    const parts = match.at(-1) as UrlParts
    const named = services.filter(({ names }) => names.includes(parts.host))
    const replaced = named.map((service) => rewriteUrl(parts, service, host)).find((url) => url !== undefined)
    return replaced ?? whole
  })
}

interface UrlParts {
  readonly scheme: string
  readonly credentials: string | undefined
  readonly host: string
  readonly port: string | undefined
  readonly path: string | undefined
}

function rewriteUrl(url: UrlParts, { ports, url: standIn }: Reachable, host: string): string | undefined {
  const { scheme, credentials = '', path = '' } = url
  // A virtual host means nothing to the stand-in; a database number does.
  if (standIn !== undefined) return `${standIn}${/^rediss?$/.test(scheme) ? path : '/0'}`
  const target = url.port === undefined ? defaultPorts[scheme.replace(/\+.*$/, '')] : Number(url.port)
  const binding = ports.find((candidate) => candidate.target === target)
  return binding && `${scheme}://${credentials}${hostAddress(binding, host)}:${binding.port}${path}`
}

/** The address under which a published port is reached from this machine. */
export function hostAddress(binding: PortBinding, host: string): string {
  const everywhere = binding.host === '' || binding.host === '0.0.0.0' || binding.host === '::'
  return everywhere || host !== '127.0.0.1' ? host : binding.host
}
