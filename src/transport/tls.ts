import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { CeleryError, messageOf } from '../errors.ts'

export type TlsOptions = Pick<ConnectionOptions, 'rejectUnauthorized' | 'ca' | 'cert' | 'key' | 'checkServerIdentity'>

type Query = Readonly<Record<string, string | undefined>>

/**
 * How an address wants its connection encrypted: `?ssl_cert_reqs=none&ssl_ca_certs=ca.pem&ssl_certfile=…&ssl_keyfile=…`
 * as redis-py has it, or `?verify=verify_none&cacertfile=…&certfile=…&keyfile=…` as RabbitMQ has it.
 *
 * @throws {CeleryError} IMPROPERLY_CONFIGURED for a file that cannot be read or a demand that nobody knows
 */
export function tlsOptions(query: Query): TlsOptions {
  const ca = fileOf(query, 'ssl_ca_certs', 'cacertfile')
  const cert = fileOf(query, 'ssl_certfile', 'certfile')
  const key = fileOf(query, 'ssl_keyfile', 'keyfile')
  return {
    rejectUnauthorized: isVerified(query.ssl_cert_reqs ?? query.verify ?? 'required'),
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(/^(false|no|0)$/i.test(query.ssl_check_hostname ?? '') && { checkServerIdentity: () => undefined }),
  }
}

/** Whether the server must show a certificate that we trust; Node has no third way for `optional`. */
const demands: Readonly<Record<string, boolean>> = {
  required: true,
  cert_required: true,
  optional: true,
  cert_optional: true,
  verify_peer: true,
  none: false,
  cert_none: false,
  verify_none: false,
}

function isVerified(demand: string): boolean {
  const known = demands[demand.toLowerCase()]
  if (known !== undefined) return known
  const names = Object.keys(demands).join(', ')
  throw new CeleryError('IMPROPERLY_CONFIGURED', `certificates cannot be checked as '${demand}'; there are ${names}`)
}

function fileOf(query: Query, ...names: string[]): Buffer | undefined {
  const name = names.find((candidate) => query[candidate])
  const path = name && query[name]
  if (!path) return undefined
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new CeleryError('IMPROPERLY_CONFIGURED', `${name} of the address cannot be read: ${messageOf(cause)}`, {
      cause,
    })
  }
}
