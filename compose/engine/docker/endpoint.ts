import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { StackError } from '../../errors.ts'
import type { Environment } from '../../file/discover.ts'
import { dockerDirectory } from './plugins.ts'

/** Where a Docker engine is to be found, and who said so. */
export interface Endpoint {
  /** As people write it: `unix:///var/run/docker.sock`. */
  readonly url: string
  /** `DOCKER_HOST`, `context colima`, `default` … */
  readonly source: string
  /** What names the context: `DOCKER_CONTEXT`, or a file. */
  readonly namedBy?: string
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

/**
 * The endpoint the docker CLI would use: DOCKER_HOST, DOCKER_CONTEXT, the current context of its configuration,
 * else the usual socket.
 *
 * @throws {StackError} DOCKER_CONTEXT_NOT_FOUND, DOCKER_ENDPOINT_UNSUPPORTED
 */
export function resolveEndpoint(env: Environment): Endpoint {
  if (env.DOCKER_HOST) return endpointAt(env.DOCKER_HOST, 'DOCKER_HOST', environmentTls(env))
  const directory = dockerDirectory(env)
  const context = env.DOCKER_CONTEXT || currentContext(directory)
  if (!context || context === 'default') return endpointAt(defaultSocket, 'default', undefined)
  return contextEndpoint(directory, context, env.DOCKER_CONTEXT ? 'DOCKER_CONTEXT' : join(directory, 'config.json'))
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

/** Where the ports that an engine publishes are reached. */
export function publishedHost({ address }: Endpoint): string {
  return 'socketPath' in address || address.host === 'localhost' ? '127.0.0.1' : address.host
}

function currentContext(directory: string): string | undefined {
  const config = readJson(join(directory, 'config.json')) as { currentContext?: unknown } | undefined
  return typeof config?.currentContext === 'string' ? config.currentContext : undefined
}

function contextEndpoint(directory: string, name: string, namedBy: string): Endpoint {
  const id = createHash('sha256').update(name).digest('hex')
  const meta = readJson(join(directory, 'contexts', 'meta', id, 'meta.json')) as
    | { Endpoints?: { docker?: { Host?: string; SkipTLSVerify?: boolean } } }
    | undefined
  const docker = meta?.Endpoints?.docker
  if (!docker?.Host) {
    const message = `there is no Docker context "${name}" in ${directory} (named by ${namedBy})`
    throw new StackError('DOCKER_CONTEXT_NOT_FOUND', message)
  }
  const tls = tlsFrom(join(directory, 'contexts', 'tls', id, 'docker'), docker.SkipTLSVerify !== true)
  return { ...endpointAt(docker.Host, `context ${name}`, tls), namedBy }
}

function environmentTls(env: Environment): Tls | undefined {
  if (!env.DOCKER_TLS_VERIFY && !env.DOCKER_CERT_PATH) return undefined
  const directory = env.DOCKER_CERT_PATH || dockerDirectory(env)
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
      const { hostname, port } = hostAndPort(rest) ?? malformed(url, source)
      const address = {
        host: hostname.replace(/^\[(.*)\]$/, '$1'),
        port: Number(port || (secure ? 2376 : 2375)),
        tls: secure,
      }
      return { url, source, address }
    }
    case 'ssh': {
      const message = `the Docker endpoint ${url} (from ${source}) is reached by ssh, which is not done here`
      const next = `Bring its socket here: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock ${rest.replace(/\/.*$/, '')}; then DOCKER_HOST=unix:///tmp/docker.sock.`
      throw new StackError('DOCKER_ENDPOINT_UNSUPPORTED', message, { next })
    }
    default: {
      const message = `the Docker endpoint ${url} (from ${source}) is of a kind that cannot be used here`
      throw new StackError('DOCKER_ENDPOINT_UNSUPPORTED', message)
    }
  }
}

function hostAndPort(text: string): URL | undefined {
  return URL.canParse(`http://${text}`) ? new URL(`http://${text}`) : undefined
}

function malformed(url: string, source: string): never {
  const message = `the Docker endpoint ${url} (from ${source}) cannot be read`
  const next = 'Write it as unix:///path/to/docker.sock or tcp://host:port.'
  throw new StackError('DOCKER_ENDPOINT_UNSUPPORTED', message, { next })
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
