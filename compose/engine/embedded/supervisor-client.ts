import { spawn } from 'node:child_process'
import { mkdirSync, openSync } from 'node:fs'
import http, { type IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf, StackError, type StackErrorCode, stackErrorCodes, systemCodeOf } from '../../errors.ts'
import { stateFiles } from '../../state-directory.ts'
import { readJsonLines } from '../ndjson.ts'
import { type EngineFile, readEngineFile, removeEngineFile } from './engine-file.ts'
import { endOrphans } from './orphans.ts'
import { engineVariable } from './processes.ts'
import { unregister } from './registry.ts'

/** The line to a supervisor that answered. */
export class SupervisorClient {
  readonly #file: EngineFile

  constructor(file: EngineFile) {
    this.#file = file
  }

  get port(): number {
    return this.#file.port
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.#request(method, path, body)
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk)
    const result = JSON.parse(Buffer.concat(chunks).toString('utf8') || 'null')
    if (response.statusCode === 200) return result
    const { code, message, next } = (result ?? {}) as { code?: string; message?: string; next?: string }
    const known = code !== undefined && code in stackErrorCodes ? (code as StackErrorCode) : 'EMBEDDED_FAILED'
    throw new StackError(known, message ?? `status ${response.statusCode}`, next === undefined ? {} : { next })
  }

  /** Resolves when the supervisor has begun to answer; the stream ends quietly when the signal aborts. */
  async stream<T>(path: string, signal: AbortSignal | undefined): Promise<AsyncIterable<T>> {
    const response = await this.#request('GET', path, undefined, signal)
    return quietly(readJsonLines(response), signal) as AsyncIterable<T>
  }

  #request(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<IncomingMessage> {
    const headers = { authorization: `Bearer ${this.#file.token}` }
    const options = {
      host: '127.0.0.1',
      port: this.#file.port,
      method,
      path,
      headers,
      agent: false,
      ...(signal && { signal }),
    }
    return new Promise((resolve, reject) => {
      const request = http.request(options, resolve)
      request.on('error', reject)
      request.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }
}

async function* quietly(values: AsyncIterable<unknown>, signal: AbortSignal | undefined): AsyncGenerator<unknown> {
  try {
    yield* values
  } catch (thrown) {
    // The reader left, or the supervisor ended with its project: both are ends.
    if (!signal?.aborted && systemCodeOf(thrown) !== 'ECONNRESET') throw thrown
  }
}

const handshakeTimeoutMs = 5000

/**
 * The supervisor of a project, if it lives: a file and a process id prove nothing, an answer does. What a dead one
 * left is cleared away.
 *
 * @throws {StackError} EMBEDDED_FAILED when it is there but does not answer
 */
export async function findSupervisor(directory: string): Promise<SupervisorClient | undefined> {
  const file = readEngineFile(directory)
  if (!file) return undefined
  const client = new SupervisorClient(file)
  const timeout = AbortSignal.timeout(handshakeTimeoutMs)
  const hello = await shakeHands(client, timeout)
  if (hello) return client
  if (timeout.aborted) {
    const next = `Wait, or end it by hand: kill ${file.pid}; then \`celery-sandbox down\`.`
    throw new StackError('EMBEDDED_FAILED', `the embedded engine (process ${file.pid}) does not answer`, { next })
  }
  await endOrphans(engineVariable, file.id)
  unregister(file.id)
  // The next one may have begun meanwhile.
  if (readEngineFile(directory)?.token === file.token) removeEngineFile(directory)
  return undefined
}

async function shakeHands(client: SupervisorClient, signal: AbortSignal): Promise<boolean> {
  try {
    for await (const hello of await client.stream<{ pid?: number }>('/hello', signal)) return hello.pid !== undefined
    return false
  } catch {
    return false
  }
}

const startTimeoutMs = 15_000

/** Starts a supervisor that outlives this process; with a scratch directory it ends with it, and removes that. */
export async function startSupervisor(directory: string, scratch?: string): Promise<SupervisorClient> {
  const logFile = stateFiles.log(directory, 'engine')
  mkdirSync(dirname(logFile), { recursive: true })
  // Its twin: .ts beside the source, .js in the package.
  const script = fileURLToPath(
    new URL(`./supervisor${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
  )
  const child = spawn(process.execPath, [script, directory, ...(scratch === undefined ? [] : [scratch])], {
    detached: true,
    stdio: [scratch === undefined ? 'ignore' : 'pipe', 'pipe', openSync(logFile, 'a', 0o600)],
    windowsHide: true,
  })
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string) => {
      child.kill()
      reject(new StackError('EMBEDDED_FAILED', `the embedded engine did not start: ${why}`))
    }
    const timer = setTimeout(() => fail('no answer in time'), startTimeoutMs)
    child.once('error', (error) => fail(messageOf(error)))
    child.once('exit', (code) => fail(`it ended with code ${code}`))
    child.stdout?.once('data', () => {
      clearTimeout(timer)
      child.removeAllListeners('exit')
      resolve()
    })
  })
  child.stdout?.destroy()
  child.unref()
  if (child.stdin instanceof Socket) child.stdin.unref()
  const client = await findSupervisor(directory)
  if (!client) throw new StackError('EMBEDDED_FAILED', 'the embedded engine started, but does not answer')
  return client
}
