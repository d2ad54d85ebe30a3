import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type OpenStackOptions, openStack, type Stack, StackError, type StackEvent } from '../../compose/index.ts'
import { failOnLeaks } from '../support/leaks.ts'
import { until } from '../support/wait.ts'
import { fakeCommands } from './engine/embedded/fake-commands.ts'

failOnLeaks()

let directory = ''

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'embedded-stack-')))
})

afterEach(async () => {
  await collect((await open()).down())
  rmSync(directory, { recursive: true })
})

/** A machine without Docker. */
const env = { HOME: '/nonexistent', DOCKER_HOST: 'unix:///nope', PATH: process.env.PATH }

function open(options: Partial<OpenStackOptions> = {}): Promise<Stack> {
  return openStack({ directory, projectName: 'shop', env, commands: fakeCommands, ...options })
}

function write(text: string): void {
  writeFileSync(join(directory, 'compose.yaml'), text)
}

async function collect(events: AsyncIterable<StackEvent>): Promise<StackEvent[]> {
  const all: StackEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

const up = async (options: Parameters<Stack['up']>[0] = {}) => collect((await open()).up(options))

const worker = (behaviour: object) => `["celery-sandbox", "worker", ${JSON.stringify(JSON.stringify(behaviour))}]`

const shop = `
services:
  rabbitmq:
    image: rabbitmq:4-management
    ports: ["127.0.0.1:15672:15672"]
    healthcheck: { test: rabbitmq-diagnostics ping, interval: 30s }
  redis: { image: redis:8 }
  worker:
    image: node:24
    command: ${worker({ tells: ['BROKER', 'BACKEND', 'HOSTNAME', 'SECRET'] })}
    working_dir: /app/tasks
    volumes: [".:/app:ro"]
    environment: { BROKER: "amqp://u:p@rabbitmq:5672//", BACKEND: "redis://redis:6379/3" }
    depends_on: { rabbitmq: { condition: service_healthy }, redis: { condition: service_healthy } }
    deploy: { replicas: 2 }
  postgres: { image: postgres:17 }
`

/** What the worker of that number said when it started. */
async function toldBy(number: number): Promise<Record<string, unknown>> {
  const stack = await open()
  for await (const { container, text } of stack.logs({ services: ['worker'], follow: true })) {
    if (container === `shop-worker-${number}` && text.startsWith('{')) return JSON.parse(text)
  }
  throw new Error('it said nothing')
}

async function failure(work: Promise<unknown>): Promise<StackError> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof StackError) return thrown
  throw new Error('not the error that was expected', { cause: thrown })
}

const engineFile = () => join(directory, '.celery-sandbox', 'engine.json')
const supervisorPid = (): number => JSON.parse(readFileSync(engineFile(), 'utf8')).pid

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const gone = (pid: number) => until(() => !isAlive(pid), { describe: () => `process ${pid} to end` })

describe('a stack without Docker', () => {
  beforeEach(() => {
    mkdirSync(join(directory, 'tasks'))
    write(shop)
  })

  it('runs brokers and workers as processes and says what is different', async () => {
    const events = await up()
    expect(events[0]).toEqual({
      type: 'engine',
      kind: 'embedded',
      endpoint: directory,
      reason: 'Docker not reachable at unix:///nope (from DOCKER_HOST): there is no such socket',
    })
    expect(events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))).toEqual([
      'rabbitmq is replaced by an embedded broker that speaks the Redis protocol: no AMQP, no management UI, nothing kept on disk',
      'postgres is skipped: the embedded engine runs redis, rabbitmq and celery-sandbox commands only',
    ])
    expect(events.at(-1)).toMatchObject({ type: 'done', changed: true })
    const statuses = await (await open()).ps()
    expect(statuses.map(({ name, role, state, health }) => [name, role, state, health])).toEqual([
      ['shop-rabbitmq-1', 'rabbitmq', 'running', 'healthy'],
      ['shop-redis-1', 'redis', 'running', 'healthy'],
      ['shop-worker-1', 'worker', 'running', 'none'],
      ['shop-worker-2', 'worker', 'running', 'none'],
    ])
    expect(statuses[0]?.ports).toMatchObject([{ host: '127.0.0.1', target: 5672 }])
  })

  it('gives workers addresses that work, and the host the same', async () => {
    await up()
    const told = await toldBy(2)
    const [rabbitmq, redis] = await (await open()).ps()
    expect(told).toMatchObject({ cwd: join(directory, 'tasks'), HOSTNAME: 'shop-worker-2' })
    expect(told.BROKER).toMatch(new RegExp(`^redis://:[\\w-]{24}@127\\.0\\.0\\.1:${rabbitmq?.ports[0]?.port}/0$`))
    expect(told.BACKEND).toMatch(new RegExp(`^redis://:[\\w-]{24}@127\\.0\\.0\\.1:${redis?.ports[0]?.port}/3$`))
    expect(await (await open()).environment()).toEqual({ BROKER: told.BROKER, BACKEND: told.BACKEND })
    expect(await passwordOf(redis?.ports[0]?.port ?? 0)).toBe(new URL(String(told.BACKEND)).password)
  })

  it('keeps the environment of the caller out of its services', async () => {
    process.env.SECRET = 'of the caller'
    try {
      await up()
      expect(await toldBy(1)).not.toHaveProperty('SECRET')
    } finally {
      delete process.env.SECRET
    }
  })

  it('changes nothing the second time and restarts only what was edited', async () => {
    await up()
    const before = await (await open()).ps()
    const second = await up()
    expect(second.find(({ type }) => type === 'plan')).toMatchObject({ type: 'plan', operations: [] })
    write(shop.replace('redis:6379/3', 'redis:6379/4'))
    const third = await up()
    expect(third.find(({ type }) => type === 'plan')).toMatchObject({
      operations: [
        'recreate shop-worker-1 (environment.BACKEND changed)',
        'start shop-worker-1 (made)',
        'recreate shop-worker-2 (environment.BACKEND changed)',
        'start shop-worker-2 (made)',
      ],
    })
    const after = await (await open()).ps()
    expect(after.slice(0, 2).map(({ id }) => id)).toEqual(before.slice(0, 2).map(({ id }) => id))
  })

  it('comes down and leaves its ports and its logs, no process and no secret', async () => {
    await up()
    const pid = supervisorPid()
    expect(statSync(engineFile()).mode & 0o777).toBe(0o600)
    await collect((await open()).down())
    await gone(pid)
    const left = readdirSync(join(directory, '.celery-sandbox')).sort()
    expect(left).toEqual(['lock', 'logs', 'ports.json'])
    expect(await (await open()).ps()).toEqual([])
  })

  it('listens on the same ports the next time', async () => {
    const ports = async () => (await (await open()).ps()).flatMap((status) => status.ports.map(({ port }) => port))
    await up()
    const first = await ports()
    await collect((await open()).down())
    await up()
    expect(await ports()).toEqual(first)
  })

  it('starts nothing when it is only looked at', async () => {
    expect(await (await open()).ps()).toEqual([])
    for await (const _ of (await open()).logs({ follow: true })) throw new Error('a line from nobody')
    expect(existsSync(engineFile())).toBe(false)
  })
})

describe('an embedded service', () => {
  it('that ends is told at once with its last words', async () => {
    write(
      `services: { worker: { image: x, command: ${worker({ says: ['Error: Cannot find module "x"'], exits: 1 })}, healthcheck: { test: x } } }`,
    )
    const error = await failure(collect((await open({ probes: { worker: () => new Promise(() => {}) } })).up()))
    expect([error.code, error.message]).toEqual([
      'SERVICE_EXITED',
      'shop-worker-1 exited with code 1: a module is missing',
    ])
    expect(error.details).toEqual(['Error: Cannot find module "x"'])
  })

  it('is ready when its probe says so', async () => {
    write(`services: { worker: { image: x, command: ${worker({})}, hostname: here } }`)
    const seen: string[] = []
    const probe = async ({ container, hostname }: { container: string; hostname: string }) => {
      if (seen.push(`${container} ${hostname}`) < 2) throw new Error('not yet')
    }
    const stack = await open({ probes: { worker: probe } })
    const events = await collect(stack.up())
    expect(seen).toEqual(['shop-worker-1 here', 'shop-worker-1 here'])
    expect(events.flatMap((event) => (event.type === 'step' ? [event.step] : [])).at(-1)).toBe('healthy')
    expect((await stack.ps())[0]?.health).toBe('healthy')
  })

  it('is started again as its restart policy says', async () => {
    write(
      `services: { worker: { image: x, restart: "on-failure:2", command: ${worker({ says: ['run'], exits: 1 })} } }`,
    )
    const stack = await open({ probes: { worker: () => new Promise(() => {}) } })
    // A crash is told at once, whatever comes after it.
    expect((await failure(collect(stack.up()))).code).toBe('SERVICE_EXITED')
    const [status] = await stack.ps()
    const texts = async () => {
      const all: string[] = []
      for await (const { text } of stack.logs()) all.push(text)
      return all
    }
    await until(async () => (await texts()).length === 3, { describe: 'three runs' })
    await until(async () => (await stack.ps())[0]?.state === 'exited', { describe: 'the end' })
    expect((await stack.ps())[0]).toMatchObject({ id: status?.id, exitCode: 1 })
  })

  it('that must run in a directory that is not there is told so', async () => {
    write(
      `services: { worker: { image: x, command: ${worker({})}, working_dir: /app/nowhere, volumes: [".:/app"], healthcheck: { test: x } } }`,
    )
    const error = await failure(collect((await open({ probes: { worker: () => new Promise(() => {}) } })).up()))
    expect(error.message).toContain(`its directory ${join(directory, 'nowhere')} does not exist`)
  })

  it('moves away from a busy port', async () => {
    const server = createServer()
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
    })
    try {
      write(`services: { redis: { image: redis, ports: ["${port}:6379"] } }`)
      const events = await up()
      const moved = events.find((event) => event.type === 'port')
      expect(moved).toMatchObject({ wanted: port, address: '127.0.0.1' })
      expect((await (await open()).ps())[0]?.ports).toMatchObject([{ port: moved?.chosen, host: '127.0.0.1' }])
      const error = await failure(collect((await open({ strictPorts: true })).up({ recreate: 'always' })))
      expect(error.code).toBe('PORT_BUSY')
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })
})

describe('an embedded engine that is killed', () => {
  const pidsOf = async () => {
    const told = await toldBy(1)
    return Number(told.pid)
  }

  it('takes its children with it, and the next look clears what is left', async () => {
    write(`services: { redis: { image: redis }, worker: { image: x, command: ${worker({ tells: [] })} } }`)
    await up()
    const pid = await pidsOf()
    const engine = supervisorPid()
    process.kill(engine, 'SIGKILL')
    await gone(engine)
    await gone(pid)
    expect(existsSync(engineFile())).toBe(true)
    expect(await (await open()).ps()).toEqual([])
    expect(existsSync(engineFile())).toBe(false)
    expect((await up()).at(-1)).toMatchObject({ type: 'done', changed: true })
  })

  it.runIf(process.platform === 'linux')('leaves no one who would not listen', async () => {
    write(`services: { worker: { image: x, command: ${worker({ tells: [], stubborn: true })} } }`)
    await up()
    const pid = await pidsOf()
    const engine = supervisorPid()
    process.kill(engine, 'SIGKILL')
    await gone(engine)
    expect(isAlive(pid)).toBe(true)
    await collect((await open()).down())
    await gone(pid)
  })

  it('ends with its project when that is deleted', async () => {
    write('services: { redis: { image: redis } }')
    await up()
    const engine = supervisorPid()
    rmSync(engineFile())
    await gone(engine)
  })

  it('is not mistaken for another process that has its number', async () => {
    write('services: { redis: { image: redis } }')
    mkdirSync(join(directory, '.celery-sandbox'))
    writeFileSync(engineFile(), JSON.stringify({ id: 'x', pid: process.pid, port: 1, token: 'y' }))
    expect(await (await open()).ps()).toEqual([])
    expect(existsSync(engineFile())).toBe(false)
  })
})

function passwordOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('?'))
    socket.once('data', (data) => resolve(data.toString().trim()))
    socket.once('error', reject)
  })
}
