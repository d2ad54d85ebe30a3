import { StackError } from '../errors.ts'
import type { Environment } from '../file/discover.ts'
import { type Connection, connect, type Endpoint, isExplicit, knownSockets, resolveEndpoint } from './docker/connect.ts'
import { dockerEngine } from './docker/docker.ts'
import { isLocalEngineRunning, localEngine } from './embedded/local.ts'
import type { Commands, Engine } from './engine.ts'

/** What decides which engine it is. */
export interface EngineWish {
  readonly wanted: 'auto' | 'docker' | 'embedded'
  readonly env: Environment
  /** Of the project: the embedded engine belongs to one. */
  readonly directory: string
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
export async function chooseEngine(wish: EngineWish): Promise<EngineChoice> {
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

async function findDocker({ wanted, env }: EngineWish): Promise<Connection> {
  const endpoint = resolveEndpoint(env)
  if (wanted === 'docker' || isExplicit(endpoint)) return connect(endpoint, env)
  return firstToAnswer([endpoint, ...knownSockets(env)], env)
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
