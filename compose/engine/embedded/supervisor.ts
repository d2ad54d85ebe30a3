/**
 * The process behind the embedded engine: `node supervisor.js <project directory> [scratch directory]`. It owns the
 * processes of one project, answers on the loopback interface to whoever knows the token, and ends when its file is
 * taken away; with a scratch directory also when its standard input ends, and then removes that.
 */
import { randomBytes } from 'node:crypto'
import { rmSync, watchFile } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { messageOf, StackError } from '../../errors.ts'
import { stateFiles } from '../../state-directory.ts'
import { readEngineFile, removeEngineFile, writeEngineFile } from './engine-file.ts'
import type { ProcessSpec } from './process-spec.ts'
import { Processes } from './processes.ts'
import { register, unregister } from './registry.ts'

const [directory = process.cwd(), scratch] = process.argv.slice(2)
const id = randomBytes(8).toString('hex')
const token = randomBytes(24).toString('hex')
const processes = new Processes(directory, id)

interface Call {
  readonly container: string
  readonly query: URLSearchParams
  readonly body: () => Promise<unknown>
  readonly response: ServerResponse
}

/** What can be asked: `METHOD /path`, with `*` for a container. The answer is JSON; streams write it themselves. */
const routes: Readonly<Record<string, (call: Call) => unknown>> = {
  'GET /hello': () => ({ directory, pid: process.pid }),
  'GET /containers': () => processes.list(),
  'POST /containers': async ({ body }) => ({ id: processes.create((await body()) as ProcessSpec) }),
  'GET /containers/*': ({ container }) => processes.find(container)?.detail() ?? null,
  'POST /containers/*/start': ({ container }) => processes.find(container)?.start(),
  'POST /containers/*/stop': ({ container, query }) => {
    const timeout = query.get('timeout')
    return processes.find(container)?.stop(timeout === null ? undefined : Number(timeout) * 1000)
  },
  'POST /containers/*/kill': ({ container, query }) => processes.find(container)?.kill(query.get('signal') ?? ''),
  'POST /containers/*/rename': ({ container, query }) => processes.find(container)?.rename(query.get('name') ?? ''),
  'DELETE /containers/*': ({ container }) => processes.remove(container),
  'GET /containers/*/logs': async ({ container, query, response }) => {
    const tail = query.get('tail')
    const [since, until] = [query.get('since') ?? undefined, query.get('until') ?? undefined]
    const options = { follow: query.has('follow'), since, until, tail: tail === null ? undefined : Number(tail) }
    await stream(response, processes.find(container)?.logs(options) ?? [])
  },
  'GET /containers/*/stats': async ({ container, response }) => {
    await stream(response, processes.find(container)?.stats() ?? [])
  },
  'GET /events': async ({ query, response }) => {
    const events = processes.events(query.get('since') ?? undefined)
    const until = query.get('until')
    const timer = until === null ? undefined : setTimeout(() => events.close(), Date.parse(until) - Date.now())
    response.once('close', () => {
      clearTimeout(timer)
      processes.forget(events)
    })
    await stream(response, events)
  },
  'POST /shutdown': async ({ response }) => {
    await standDown()
    response.once('close', () => process.exit(0))
  },
}

async function stream(response: ServerResponse, values: AsyncIterable<unknown> | Iterable<unknown>): Promise<void> {
  // The head goes out at once: whoever reads it knows that nothing is missed from here on.
  response.flushHeaders()
  for await (const value of values) {
    if (response.destroyed) break
    if (!response.write(`${JSON.stringify(value)}\n`)) {
      await new Promise((resolve) => response.once('drain', resolve).once('close', resolve))
    }
  }
  response.end()
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.headers.authorization !== `Bearer ${token}`) {
    response.writeHead(401).end()
    return
  }
  const url = new URL(request.url ?? '/', 'http://127.0.0.1')
  const [, room, container = '', action] = url.pathname.split('/')
  const path = [room, ...(container ? ['*'] : []), ...(action ? [action] : [])].join('/')
  const route = routes[`${request.method} /${path}`]
  const call = {
    container: decodeURIComponent(container),
    query: url.searchParams,
    body: () => readBody(request),
    response,
  }
  try {
    const result = route ? await route(call) : null
    if (!response.headersSent) response.writeHead(200).end(JSON.stringify(result ?? null))
  } catch (thrown) {
    const { code, next } = thrown instanceof StackError ? thrown : { code: 'EMBEDDED_FAILED', next: undefined }
    if (response.headersSent) response.destroy()
    else response.writeHead(500).end(JSON.stringify({ code, message: messageOf(thrown), next }))
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

/** Ends every process and takes the file away, if it is still ours. */
async function standDown(): Promise<void> {
  await processes.stopAll()
  unregister(id)
  if (readEngineFile(directory)?.token === token) removeEngineFile(directory)
}

function leave(): void {
  void standDown().then(() => process.exit(0))
}

const server = createServer((request, response) => void answer(request, response))
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  writeEngineFile(directory, { id, pid: process.pid, port, token })
  register(id, directory)
  // Without its file nobody can find it any more.
  watchFile(stateFiles.engine(directory), { interval: 500 }, () => {
    if (readEngineFile(directory)?.token !== token) leave()
  })
  process.stdout.write('ready\n')
})

// An `up` that was killed before it made anything must not leave a process behind.
const idleCheckMs = 30_000
let wasIdle = false
setInterval(() => {
  const isIdle = processes.list().length === 0
  if (isIdle && wasIdle) leave()
  wasIdle = isIdle
}, idleCheckMs)

// Whoever started it holds the other end, which the system lets go when they end, however they do.
if (scratch !== undefined) {
  process.stdin.resume().once('close', async () => {
    await standDown()
    rmSync(scratch, { recursive: true, force: true })
    process.exit(0)
  })
}

process.on('SIGTERM', leave)
process.on('SIGINT', leave)
// The terminal it was started from may close.
process.on('SIGHUP', () => {})
