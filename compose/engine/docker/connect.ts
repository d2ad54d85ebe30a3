import http from 'node:http'
import https from 'node:https'
import { StackError } from '../../errors.ts'
import type { Environment } from '../../file/discover.ts'
import type { Endpoint } from './endpoint.ts'
import { placeOf, unreachable } from './unreachable.ts'

/** An engine that answered. */
export interface Connection {
  readonly endpoint: Endpoint
  /** The version to speak: `1.41`. */
  readonly apiVersion: string
}

/** What we ask for, and the least we can work with. */
const newestVersion = '1.51'
const oldestVersion = '1.41'

const pingTimeoutMs = 5000

/**
 * Asks an engine whether it is there and which version it speaks.
 *
 * @throws {StackError} DOCKER_UNREACHABLE, DOCKER_PERMISSION_DENIED, DOCKER_TOO_OLD
 */
export async function connect(endpoint: Endpoint, env: Environment): Promise<Connection> {
  const offered = await ping(endpoint)
  const apiVersion = env.DOCKER_API_VERSION || older(offered, newestVersion)
  if (versionNumber(apiVersion) < versionNumber(oldestVersion)) {
    const message = `the engine at ${placeOf(endpoint)} speaks API ${apiVersion}; at least ${oldestVersion} (Docker 20.10) is needed`
    throw new StackError('DOCKER_TOO_OLD', message)
  }
  return { endpoint, apiVersion }
}

function older(a: string, b: string): string {
  return versionNumber(a) < versionNumber(b) ? a : b
}

/** `1.41` → 1041 */
export function versionNumber(version: string): number {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  return major * 1000 + minor
}

function ping(endpoint: Endpoint): Promise<string> {
  const { address } = endpoint
  const tls = 'tls' in address ? address.tls : undefined
  const target =
    'socketPath' in address ? { socketPath: address.socketPath } : { host: address.host, port: address.port }
  const options = { ...target, ...tls, path: '/_ping', signal: AbortSignal.timeout(pingTimeoutMs), agent: false }
  return new Promise((resolve, reject) => {
    const request = (tls ? https : http).get(options, (response) => {
      response.resume()
      const version = response.headers['api-version']
      if (response.statusCode === 200) resolve(typeof version === 'string' ? version : oldestVersion)
      // Go's answer to those who speak plainly to a TLS port.
      else if (response.statusCode === 400 && !tls) reject(unreachable(endpoint, new Error('it wants TLS')))
      else reject(unreachable(endpoint, new Error(`it answered with status ${response.statusCode}`)))
    })
    request.on('error', (error) => reject(unreachable(endpoint, error)))
  })
}
