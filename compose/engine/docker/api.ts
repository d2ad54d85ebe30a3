import http from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { type Connection, versionNumber } from './connect.ts'
import type { Tls } from './endpoint.ts'
import { refused, statusOf } from './refusals.ts'

/** The Engine API at one address, with errors that a user can act on. The home of dockerode. */
export class Api {
  readonly docker: Docker
  /** As `versionNumber` counts: 1044 is 1.44. */
  readonly version: number
  /** Names of the containers met so far: messages speak of names, calls of ids. */
  readonly #names = new Map<string, string>()

  static async open({ endpoint, apiVersion }: Connection): Promise<Api> {
    // Costs 80 ms: only those who talk to Docker pay for it.
    const { default: Dockerode } = await import('dockerode')
    const { address } = endpoint
    const tls = 'tls' in address ? address.tls : undefined
    // Every default is overridden: the library would take DOCKER_HOST from this process's environment.
    const options = {
      socketPath: 'socketPath' in address ? address.socketPath : undefined,
      host: 'host' in address ? address.host : undefined,
      port: 'port' in address ? address.port : undefined,
      protocol: tls ? ('https' as const) : ('http' as const),
      ca: undefined,
      cert: undefined,
      key: undefined,
      timeout: undefined,
      agent: agentOf(tls),
      version: `v${apiVersion}`,
    }
    return new Api(new Dockerode(options), versionNumber(apiVersion))
  }

  private constructor(docker: Docker, version: number) {
    this.docker = docker
    this.version = version
  }

  /** Remembers a container by the name that people know. */
  named(id: string, name: string): void {
    this.#names.set(id, name)
  }

  nameOf(id: string): string {
    return this.#names.get(id) ?? id
  }

  /** A container, to be called. */
  container(id: string): Docker.Container {
    return this.docker.getContainer(id)
  }

  /** What the engine tells of a container; undefined when it is gone. */
  inspect(container: string): Promise<Docker.ContainerInspectInfo | undefined> {
    return call(`look at ${this.nameOf(container)}`, () => this.container(container).inspect(), [404])
  }

  /** Sends a body as it is read, and gives the answer as it comes. */
  post(
    path: string,
    query: object,
    given: { body: Readable | undefined; headers: object; signal: AbortSignal },
  ): Promise<Readable> {
    const { body, headers, signal } = given
    const type = body && { 'Content-Type': 'application/x-tar' }
    return this.#dial({
      path,
      method: 'POST',
      options: asOptions(query, {}),
      headers: { ...headers, ...type },
      abortSignal: signal,
      ...(body && { file: body }),
    })
  }

  /** An answer as it comes. The library hands out a stream for few calls, and holds the others in memory. */
  stream(path: string, query: object, abortSignal: AbortSignal | undefined): Promise<Readable> {
    return this.#dial({ path, method: 'GET', options: { ...query }, ...(abortSignal && { abortSignal }) })
  }

  #dial(request: { path: string; method: string; options: object; [key: string]: unknown }): Promise<Readable> {
    return new Promise((resolve, reject) => {
      this.docker.modem.dial(
        { ...request, isStream: true, statusCodes: { 200: true } },
        (error: Error | null, result: unknown) => (error ? reject(error) : resolve(result as Readable)),
      )
    })
  }
}

/**
 * Keeps connections for the next call. A call that was answered long ago still destroys its connection, with an error,
 * when its signal aborts: that is nobody's failure, and whoever still waits for an answer hears of it by himself.
 */
function agentOf(tls: Tls | undefined): http.Agent {
  const agent = tls ? new https.Agent({ ...tls, keepAlive: true }) : new http.Agent({ keepAlive: true })
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (...given) => connect(...given)?.on('error', () => {})
  return agent
}

/** One call; answers with one of these statuses mean that there was nothing to do. */
export async function call<T>(doing: string, request: () => Promise<T>): Promise<T>
export async function call<T>(
  doing: string,
  request: () => Promise<T>,
  harmless: readonly number[],
): Promise<T | undefined>
export async function call<T>(
  doing: string,
  request: () => Promise<T>,
  harmless: readonly number[] = [],
): Promise<T | undefined> {
  try {
    return await request()
  } catch (thrown) {
    if (harmless.includes(statusOf(thrown) ?? 0)) return undefined
    throw refused(doing, thrown)
  }
}

/** The library's form for a query and a body that differ; its types do not know it. */
export function asOptions<T>(_query: object, _body: object): T {
  return { _query, _body } as T
}
