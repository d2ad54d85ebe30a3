import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { messageOf, StackError, systemCodeOf } from '../../errors.ts'
import type { Environment } from '../../file/discover.ts'

/** Where a Docker engine is to be found, and who said so. */
export interface Endpoint {
  /** As people write it: `unix:///var/run/docker.sock`. */
  readonly url: string
  /** `DOCKER_HOST`, `context colima`, `default` … */
  readonly source: string
  readonly address: Address
}

/** A socket of this machine, or a port of another. */
export type Address =
  | { readonly socketPath: string }
  | { readonly host: string; readonly port: number; readonly tls: Tls | undefined }

/** Keys and certificates of a secured endpoint. */
export interface Tls {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly rejectUnauthorized: boolean
}

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
 * The endpoint the docker CLI would use: DOCKER_HOST, DOCKER_CONTEXT, the current context of its configuration,
 * else the usual socket.
 *
 * @throws {StackError} DOCKER_CONTEXT_NOT_FOUND, DOCKER_ENDPOINT_UNSUPPORTED
 */
export function resolveEndpoint(env: Environment): Endpoint {
  if (env.DOCKER_HOST) return endpointAt(env.DOCKER_HOST, 'DOCKER_HOST', environmentTls(env))
  const directory = env.DOCKER_CONFIG || join(env.HOME ?? homedir(), '.docker')
  const context = env.DOCKER_CONTEXT || currentContext(directory)
  if (!context || context === 'default') return endpointAt(defaultSocket, 'default', undefined)
  return contextEndpoint(directory, context)
}

const defaultSocket = process.platform === 'win32' ? 'npipe:////./pipe/docker_engine' : 'unix:///var/run/docker.sock'

/** Where else an engine may listen when nobody named one: Desktop, rootless, Colima, Rancher, OrbStack, Podman. */
export function knownSockets(env: Environment): readonly Endpoint[] {
  const home = env.HOME ?? homedir()
  const runtime = env.XDG_RUNTIME_DIR ?? `/run/user/${process.getuid?.() ?? 0}`
  const sockets = [
    '/var/run/docker.sock',
    `${home}/.docker/run/docker.sock`,
    `${home}/.docker/desktop/docker.sock`,
    `${runtime}/docker.sock`,
    `${home}/.colima/default/docker.sock`,
    `${home}/.colima/docker.sock`,
    `${home}/.rd/docker.sock`,
    `${home}/.orbstack/run/docker.sock`,
    `${runtime}/podman/podman.sock`,
    '/run/podman/podman.sock',
  ]
  return [...new Set(sockets)]
    .filter(existsSync)
    .map((socketPath) => ({ url: `unix://${socketPath}`, source: 'a known socket', address: { socketPath } }))
}

/** Whether the user chose an endpoint, so that no other may be tried. */
export function isExplicit({ source }: Endpoint): boolean {
  return source !== 'default'
}

/**
 * Asks an engine whether it is there and which version it speaks.
 *
 * @throws {StackError} DOCKER_UNREACHABLE, DOCKER_PERMISSION_DENIED, DOCKER_TOO_OLD
 */
export async function connect(endpoint: Endpoint, env: Environment): Promise<Connection> {
  const offered = await ping(endpoint)
  const apiVersion = env.DOCKER_API_VERSION || older(offered, newestVersion)
  if (versionNumber(apiVersion) < versionNumber(oldestVersion)) {
    const message = `the engine at ${endpoint.url} speaks API ${apiVersion}; at least ${oldestVersion} is needed`
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

function currentContext(directory: string): string | undefined {
  const config = readJson(join(directory, 'config.json')) as { currentContext?: unknown } | undefined
  return typeof config?.currentContext === 'string' ? config.currentContext : undefined
}

function contextEndpoint(directory: string, name: string): Endpoint {
  const id = createHash('sha256').update(name).digest('hex')
  const meta = readJson(join(directory, 'contexts', 'meta', id, 'meta.json')) as
    | { Endpoints?: { docker?: { Host?: string; SkipTLSVerify?: boolean } } }
    | undefined
  const docker = meta?.Endpoints?.docker
  if (!docker?.Host) {
    throw new StackError('DOCKER_CONTEXT_NOT_FOUND', `there is no Docker context "${name}" in ${directory}`)
  }
  const tls = tlsFrom(join(directory, 'contexts', 'tls', id, 'docker'), docker.SkipTLSVerify !== true)
  return endpointAt(docker.Host, `context ${name}`, tls)
}

function environmentTls(env: Environment): Tls | undefined {
  if (!env.DOCKER_TLS_VERIFY && !env.DOCKER_CERT_PATH) return undefined
  const directory = env.DOCKER_CERT_PATH || env.DOCKER_CONFIG || join(env.HOME ?? homedir(), '.docker')
  return tlsFrom(directory, Boolean(env.DOCKER_TLS_VERIFY))
}

function tlsFrom(directory: string, rejectUnauthorized: boolean): Tls | undefined {
  const file = (name: string) => {
    const path = join(directory, `${name}.pem`)
    return existsSync(path) ? { [name]: readFileSync(path) } : {}
  }
  const files = { ...file('ca'), ...file('cert'), ...file('key') }
  return Object.keys(files).length > 0 || !rejectUnauthorized ? { ...files, rejectUnauthorized } : undefined
}

function endpointAt(url: string, source: string, tls: Tls | undefined): Endpoint {
  const [, scheme, rest = ''] = /^(?:([a-z]+):\/\/)?(.*)$/.exec(url) ?? []
  switch (scheme) {
    case 'unix':
      return { url, source, address: { socketPath: rest || '/var/run/docker.sock' } }
    case 'npipe':
      return { url, source, address: { socketPath: rest || '//./pipe/docker_engine' } }
    case undefined:
    case 'tcp':
    case 'http':
    case 'https': {
      const secure = tls ?? (scheme === 'https' ? { rejectUnauthorized: true } : undefined)
      const { hostname, port } = new URL(`http://${rest}`)
      const address = {
        host: hostname.replace(/^\[(.*)\]$/, '$1'),
        port: Number(port || (secure ? 2376 : 2375)),
        tls: secure,
      }
      return { url, source, address }
    }
    default: {
      const message = `the Docker endpoint ${url} (from ${source}) is of a kind that cannot be used here`
      throw new StackError('DOCKER_ENDPOINT_UNSUPPORTED', message)
    }
  }
}

/** Where the ports that an engine publishes are reached. */
export function publishedHost({ address }: Endpoint): string {
  return 'socketPath' in address || address.host === 'localhost' ? '127.0.0.1' : address.host
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
      else reject(unreachable(endpoint, new Error(`it answered with status ${response.statusCode}`)))
    })
    request.on('error', (error) => reject(unreachable(endpoint, error)))
  })
}

function unreachable({ url, source }: Endpoint, cause: Error): StackError {
  const code = cause.name === 'AbortError' || cause.name === 'TimeoutError' ? 'no answer in time' : systemCodeOf(cause)
  const message = `Docker not reachable at ${url}: ${code ?? messageOf(cause)}`
  const from = source === 'default' ? '' : ` (from ${source})`
  if (code === 'EACCES' || code === 'EPERM') {
    return new StackError('DOCKER_PERMISSION_DENIED', `your user may not use ${url}${from}`, { cause })
  }
  return new StackError('DOCKER_UNREACHABLE', message, { cause })
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
