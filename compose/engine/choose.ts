import { StackError } from '../errors.ts'
import type { Environment } from '../file/discover.ts'
import { type Connection, connect } from './docker/connect.ts'
import { dockerEngine } from './docker/docker.ts'
import { type Endpoint, isExplicit, knownSockets, resolveEndpoint } from './docker/endpoint.ts'
import { isLocalEngineRunning, localEngine } from './embedded/local.ts'
import { registeredDirectories } from './embedded/registry.ts'
import type { Commands, Engine } from './engine.ts'

/** What decides which engine it is. */
export interface EngineWish {
  readonly wanted: 'auto' | 'docker' | 'embedded'
  readonly env: Environment
  /** Of the project: the embedded engine belongs to one. */
  readonly directory: string
  /** The name of a project that has no file here: its embedded engine may run elsewhere. */
  readonly stray?: string | undefined
  readonly commands: Commands
  /** A directory that goes with this process, and the embedded engine with it. */
  readonly scratch?: string | undefined
}

/** An engine, and why this one: one line for people. */
export interface EngineChoice {
  readonly engine: Engine
  readonly reason: string
}

/**
 * The engine asked for; with `auto` the embedded one if it runs this project already, else Docker if it answers, else
 * the embedded one.
 *
 * @throws {StackError} with `docker`: what keeps Docker from answering
 */
export async function chooseEngine(given: EngineWish): Promise<EngineChoice> {
  const wish = { ...given, directory: (await homeOf(given)) ?? given.directory }
  const embedded = (reason: string) => ({ engine: localEngine(wish), reason })
  if (wish.wanted === 'embedded') return embedded('asked for')
  if (wish.wanted === 'auto' && (await isLocalEngineRunning(wish.directory))) {
    return embedded('it runs this project already')
  }
  try {
    const connection = await findDocker(wish)
    const { source } = connection.endpoint
    const from = source === 'default' ? 'the usual socket' : source
    return {
      engine: await dockerEngine(connection, wish.env),
      reason: `Docker API ${connection.apiVersion} answers, from ${from}`,
    }
  } catch (thrown) {
    if (wish.wanted === 'docker' || !(thrown instanceof StackError)) throw thrown
    return embedded(thrown.message)
  }
}

/** Where the embedded engine of a project runs that was named from somewhere else. */
async function homeOf({ stray, wanted, commands }: EngineWish): Promise<string | undefined> {
  if (stray === undefined || wanted === 'docker') return undefined
  for (const directory of registeredDirectories()) {
    const isThere = await isLocalEngineRunning(directory).catch(() => false)
    if (isThere && (await localEngine({ directory, commands }).containers(stray)).length > 0) return directory
  }
  return undefined
}

/**
 * Every engine that can be reached: Docker, if it answers, and the embedded ones of this user.
 *
 * @param wanted with `docker` or `embedded` only those
 * @throws {StackError} with `docker`: what keeps Docker from answering
 */
export async function reachableEngines(
  wanted: EngineWish['wanted'],
  env: Environment,
  commands: Commands,
): Promise<readonly Engine[]> {
  const running = await Promise.all(
    (wanted === 'docker' ? [] : registeredDirectories()).map(async (directory) =>
      (await isLocalEngineRunning(directory).catch(() => false)) ? [localEngine({ directory, commands })] : [],
    ),
  )
  if (wanted === 'embedded') return running.flat()
  try {
    return [await dockerEngine(await findDocker({ env }), env), ...running.flat()]
  } catch (thrown) {
    if (wanted === 'docker' || !(thrown instanceof StackError)) throw thrown
    return running.flat()
  }
}

async function findDocker({ env }: Pick<EngineWish, 'env'>): Promise<Connection> {
  const endpoint = resolveEndpoint(env)
  if (!isExplicit(endpoint)) return firstToAnswer([endpoint, ...knownSockets(env)], env)
  try {
    return await connect(endpoint, env)
  } catch (thrown) {
    throw thrown instanceof StackError ? withOthers(thrown, await answering(knownSockets(env), env)) : thrown
  }
}

/** The failure of the first endpoint is the one worth telling. */
async function firstToAnswer(endpoints: readonly Endpoint[], env: Environment): Promise<Connection> {
  const failures: unknown[] = []
  for (const endpoint of endpoints) {
    try {
      return await connect(endpoint, env)
    } catch (thrown) {
      failures.push(thrown)
    }
  }
  throw failures[0]
}

/** Somebody chose an engine that does not answer: the others that do are named, not taken. */
function withOthers(failure: StackError, others: readonly Endpoint[]): StackError {
  if (others.length === 0) return failure
  const details = others.map(({ url }) => `an engine answers at ${url}: DOCKER_HOST=${url}`)
  return new StackError(failure.code, failure.message, { cause: failure.cause, next: failure.next, details })
}

async function answering(endpoints: readonly Endpoint[], env: Environment): Promise<readonly Endpoint[]> {
  const answers = await Promise.all(
    endpoints.map((endpoint) =>
      connect(endpoint, env).then(
        () => [endpoint],
        () => [],
      ),
    ),
  )
  return answers.flat()
}
