import { CeleryError } from './errors.ts'

/** A broker or backend address, taken apart. `path` is decoded: a virtual host or a database number. */
export interface ServiceUrl {
  /** Lower case, without `://`: `amqp`, `redis`, `memory` … */
  readonly scheme: string
  readonly username: string | undefined
  readonly password: string | undefined
  readonly hostname: string
  readonly port: number | undefined
  readonly path: string
  readonly query: Readonly<Record<string, string>>
}

const pattern =
  /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?:(?<credentials>[^@/]*)@)?(?<host>\[[^\]]*\]|[^:/?#]*)(?::(?<port>\d+))?(?:\/(?<path>[^?#]*))?(?:\?(?<query>[^#]*))?$/i

/** The addresses of a list, `amqp://a;amqp://b`: brokers that stand in for each other, or sentinels. */
export const addressesOf = (text: string): string[] => text.split(';').filter((address) => address !== '')

/**
 * Reads `scheme://user:password@host:port/path?query`, as kombu does: every part but the scheme may be missing.
 * Of a list of addresses it is the first.
 *
 * @throws {CeleryError} IMPROPERLY_CONFIGURED when it is no such address.
 */
export function parseUrl(text: string): ServiceUrl {
  const groups = pattern.exec(addressesOf(text)[0] ?? '')?.groups
  const port = groups?.port === undefined ? undefined : Number(groups.port)
  if (!groups?.scheme || (port !== undefined && port > 65535)) {
    throw new CeleryError('IMPROPERLY_CONFIGURED', `not a broker or backend address: ${maskUrl(text)}`, {
      next: 'Write it as scheme://user:password@host:port/path, for example redis://127.0.0.1:6379/0.',
    })
  }
  const [username, password] = groups.credentials?.split(/:(.*)/s) ?? []
  return {
    scheme: groups.scheme.toLowerCase(),
    username: decoded(username),
    password: decoded(password),
    hostname: (groups.host ?? '').replace(/^\[(.*)\]$/, '$1'),
    port,
    path: decoded(groups.path) ?? '',
    query: Object.fromEntries(new URLSearchParams(groups.query ?? '')),
  }
}

function decoded(part: string | undefined): string | undefined {
  if (!part) return undefined
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** The same text with every password replaced by `**`: for anything a person or a log may see. */
export function maskUrl(text: string): string {
  const isAddress = /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
  return isAddress ? text.split(';').map(maskAddress).join(';') : text.replace(/(\w:\/\/[^:/@\s]*):[^/\s]*@/g, '$1:**@')
}

// A password may hold anything, also what an address may not: it ends with the last `@`.
const maskAddress = (address: string) =>
  address
    .replace(/^([^:]+:\/\/[^:/@]*):.*@/s, '$1:**@')
    .replace(/([?&][^=&]*(?:pass|secret|token|credential)[^=&]*=)[^&]*/gi, '$1**')
