import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { promisify } from 'node:util'
import { buildxVersion } from '../engine/docker/build/buildx.ts'
import { type Connection, connect } from '../engine/docker/connect.ts'
import { type Endpoint, isExplicit, knownSockets, resolveEndpoint } from '../engine/docker/endpoint.ts'
import { engineInfo } from '../engine/docker/info.ts'
import { findPlugin } from '../engine/docker/plugins.ts'
import { messageOf, StackError } from '../errors.ts'
import type { Environment } from '../file/discover.ts'
import type { EndpointFacts, EngineFacts, PluginFacts, Trouble } from './facts.ts'

/** Where engines are looked for, what each said, and what the one that is used tells of itself. */
export async function dockerFacts(
  env: Environment,
): Promise<{ readonly endpoints: readonly EndpointFacts[]; readonly engine: EngineFacts | undefined }> {
  const chosen = await Promise.all(chain(env).map((link) => ask(link, env)))
  const others = await Promise.all(
    knownSockets(env)
      .filter(({ url }) => !chosen.some(({ facts }) => facts.url === url))
      .map((endpoint) => ask({ by: 'a known socket', endpoint: () => endpoint, isDecisive: true }, env)),
  )
  const decisive = chosen.find(({ isDecisive }) => isDecisive)
  // What somebody chose is used or nothing; otherwise the first that answers.
  const candidates = decisive?.isExplicit ? [decisive] : [...(decisive ? [decisive] : []), ...others]
  const used = candidates.find(({ connection }) => connection !== undefined)
  const endpoints = [...chosen, ...others].map(({ facts }) => ({ ...facts, isUsed: facts === used?.facts }))
  return { endpoints, engine: used?.connection && (await engineFacts(used.connection)) }
}

interface Link {
  readonly by: string
  /** Throws what is wrong with it. */
  readonly endpoint: () => Endpoint | undefined
  /** Whether it is the first in the chain that says something. */
  readonly isDecisive: boolean
}

/** DOCKER_HOST, DOCKER_CONTEXT, the current context, the usual socket: the first that is set decides. */
function chain(env: Environment): readonly Link[] {
  const { DOCKER_HOST, DOCKER_CONTEXT, ...rest } = env
  const links: { by: string; env: Environment; isSet: boolean }[] = [
    { by: 'DOCKER_HOST', env: { ...rest, DOCKER_HOST }, isSet: Boolean(DOCKER_HOST) },
    { by: 'DOCKER_CONTEXT', env: { ...rest, DOCKER_CONTEXT }, isSet: Boolean(DOCKER_CONTEXT) },
    { by: 'config.json', env: rest, isSet: namesContext(rest) },
    { by: 'default', env: { ...rest, DOCKER_CONTEXT: 'default' }, isSet: true },
  ]
  const first = links.find(({ isSet }) => isSet)
  return links.map((link) => ({
    by: link.by,
    endpoint: () => (link.isSet ? resolveEndpoint(link.env) : undefined),
    isDecisive: link === first,
  }))
}

function namesContext(env: Environment): boolean {
  try {
    return isExplicit(resolveEndpoint(env))
  } catch {
    return true
  }
}

interface Asked {
  readonly facts: EndpointFacts
  readonly isDecisive: boolean
  readonly isExplicit: boolean
  readonly connection: Connection | undefined
}

async function ask({ by, endpoint, isDecisive }: Link, env: Environment): Promise<Asked> {
  const isChosen = by !== 'default' && by !== 'a known socket'
  const asked = (facts: Partial<EndpointFacts>, connection?: Connection): Asked => ({
    facts: { by, url: undefined, answer: undefined, trouble: undefined, isUsed: false, ...facts },
    isDecisive,
    isExplicit: isChosen,
    connection,
  })
  let found: Endpoint | undefined
  try {
    found = endpoint()
    if (!found) return asked({})
    const connection = await connect(found, env)
    return asked({ url: found.url, answer: { apiVersion: connection.apiVersion } }, connection)
  } catch (thrown) {
    return asked({ url: found?.url, trouble: troubleOf(thrown) })
  }
}

/** The words of an error. */
export function troubleOf(thrown: unknown): Trouble {
  if (!(thrown instanceof StackError)) return { code: 'UNKNOWN', message: messageOf(thrown), next: '', details: [] }
  const { code, message, next, details } = thrown
  return { code, message, next, details }
}

async function engineFacts(connection: Connection): Promise<EngineFacts | undefined> {
  try {
    const info = await engineInfo(connection)
    const isHere = 'socketPath' in connection.endpoint.address && existsSync(info.rootDirectory)
    return { ...info, freeDiskBytes: isHere ? await freeBytes(info.rootDirectory) : undefined }
  } catch {
    return undefined
  }
}

async function freeBytes(directory: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(directory)
    return bavail * bsize
  } catch {
    return undefined
  }
}

/** The plugins of the docker CLI. */
export async function pluginFacts(
  env: Environment,
): Promise<{ readonly compose: PluginFacts | undefined; readonly buildx: PluginFacts | undefined }> {
  const [compose, buildx] = [findPlugin('compose', env), findPlugin('buildx', env)]
  return {
    compose: compose === undefined ? undefined : { path: compose, version: await composeVersion(compose) },
    buildx: buildx === undefined ? undefined : { path: buildx, version: await buildxVersion(buildx) },
  }
}

async function composeVersion(plugin: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(plugin, ['version', '--short'], { timeout: 3000 })
    return stdout.trim() || undefined
  } catch {
    return undefined
  }
}
