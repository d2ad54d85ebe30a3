import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StackError } from '../../../compose/errors.ts'
import type { StackEvent } from '../../../compose/events.ts'
import { execute } from '../../../compose/execute/execute.ts'
import { backoffMs } from '../../../compose/execute/health.ts'
import { PortClaims } from '../../../compose/execute/port-claims.ts'
import { CannotAsk, type Probes, type ProbeTarget } from '../../../compose/execute/probe.ts'
import { Watch } from '../../../compose/execute/watch.ts'
import type { Model } from '../../../compose/file/model.ts'
import { dismantle } from '../../../compose/plan/dismantle.ts'
import { observe } from '../../../compose/plan/observe.ts'
import { reconcile } from '../../../compose/plan/reconcile.ts'
import { freePort } from '../../support/port.ts'
import { FakeEngine } from '../fake-engine.ts'
import { modelOf } from '../model-of.ts'

let engine = new FakeEngine()
let events: StackEvent[] = []
let directory = ''

beforeEach(() => {
  engine = new FakeEngine()
  events = []
  directory = mkdtempSync(join(tmpdir(), 'execute-'))
})

afterEach(() => rmSync(directory, { recursive: true }))

interface Options {
  probes?: Probes
  timeoutMs?: number
  signal?: AbortSignal
  strict?: boolean
}

async function up(
  text: string,
  { probes = {}, timeoutMs = 5000, signal, strict = false }: Options = {},
): Promise<void> {
  const model: Model = { ...modelOf(text), directory }
  const stop = new AbortController()
  const watch = await Watch.open(engine, 'shop', stop.signal)
  const emit = (event: StackEvent) => void events.push(event)
  try {
    const plan = reconcile(model, await observe(engine, model))
    const ports = new PortClaims(engine, model, { strict, emit })
    await ports.claim(plan)
    const making = { model, watch, ports, probes, family: 'v2', readyTimeoutMs: timeoutMs } as const
    await execute(plan, { engine, project: 'shop', emit, signal: signal ?? stop.signal, making })
  } finally {
    stop.abort()
  }
}

async function failureOf(work: Promise<unknown>): Promise<StackError> {
  try {
    await work
  } catch (thrown) {
    if (thrown instanceof StackError) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}

const steps = () =>
  events.flatMap((event) =>
    event.type === 'step' ? [`${event.container} ${event.step}${event.detail && ` (${event.detail})`}`] : [],
  )

const pair = `services:
  redis: { image: redis, healthcheck: { test: t } }
  worker: { image: app, depends_on: { redis: { condition: service_healthy } } }`

describe('going up', () => {
  it('starts a service only when those it waits for are healthy', async () => {
    engine.onStart = (name) => {
      if (name === 'shop-redis-1') setImmediate(() => engine.become('shop-redis-1', 'healthy'))
    }
    await up(pair)
    expect(engine.calls.filter((call) => call.startsWith('start'))).toEqual([
      'start shop-redis-1',
      'start shop-worker-1',
    ])
    expect(steps().slice(-6)).toEqual([
      'shop-redis-1 starting',
      'shop-redis-1 waiting',
      'shop-redis-1 healthy',
      'shop-worker-1 starting',
      'shop-worker-1 waiting',
      'shop-worker-1 running',
    ])
  })

  it('says that nothing changed when nothing did', async () => {
    engine.onStart = (name) => {
      if (name === 'shop-redis-1') setImmediate(() => engine.become('shop-redis-1', 'healthy'))
    }
    await up(pair)
    events.length = 0
    engine.calls.length = 0
    await up(pair)
    expect(engine.calls).toEqual([])
    expect(steps()).toEqual(['shop-redis-1 unchanged (healthy)', 'shop-worker-1 unchanged (running)'])
  })

  it('starts a container again that ended since the plan was made', async () => {
    await up('services: { app: { image: a } }')
    events.length = 0
    const look = engine.inspect.bind(engine)
    engine.inspect = async (id) => {
      engine.inspect = look
      engine.die('shop-app-1', 143)
      return look(id)
    }
    await up('services: { app: { image: a } }')
    expect(steps()).toEqual(['shop-app-1 starting (it ended meanwhile)', 'shop-app-1 waiting', 'shop-app-1 running'])
  })

  it('makes a new container before it takes the old one away', async () => {
    await up('services: { app: { image: a } }')
    engine.calls.length = 0
    await up('services: { app: { image: b } }')
    const temporary = engine.calls[0]?.replace('create ', '')
    expect(temporary).toMatch(/^.{12}_shop-app-1$/)
    expect(engine.calls).toEqual([
      `create ${temporary}`,
      'stop shop-app-1',
      'remove shop-app-1',
      `rename ${temporary} to shop-app-1`,
      'start shop-app-1',
    ])
  })

  it('leaves the old container alone when the new one cannot be made', async () => {
    await up('services: { app: { image: a, container_name: app1 } }')
    engine.calls.length = 0
    const id = [...engine.all.keys()][0] ?? ''
    engine.failures.set(`create ${id.slice(0, 12)}_app1`, new StackError('START_FAILED', 'no'))
    await expect(up('services: { app: { image: b, container_name: app1 } }')).rejects.toThrow('no')
    expect([...engine.all.values()].map(({ state }) => state)).toEqual(['running'])
  })

  it('goes on when a service ended well and nothing starts it again', async () => {
    engine.onStart = (name) => {
      if (name === 'shop-migrate-1') engine.die(name, 0)
    }
    await up(`services:
      app: { image: a, depends_on: { migrate: { condition: service_completed_successfully } } }
      migrate: { image: m }`)
    expect(steps().filter((step) => step.includes('completed'))).toEqual(['shop-migrate-1 completed'])
    expect(engine.calls.at(-1)).toBe('start shop-app-1')
  })
})

describe('a service that fails', () => {
  it('ends the wait at once with its exit code, its last lines and the likely cause', async () => {
    engine.onStart = (name) => {
      for (let i = 1; i <= 30; i++) engine.write(name, `line ${i}`, `t${String(i).padStart(2, '0')}`)
      engine.write(name, 'FATAL CONFIG FILE ERROR', 't99')
      setImmediate(() => engine.die(name, 1))
    }
    const error = await failureOf(up(pair))
    expect(error.code).toBe('SERVICE_EXITED')
    expect(error.message).toBe('shop-redis-1 exited with code 1: its configuration is wrong; worker waited for it')
    expect(error.details).toHaveLength(20)
    expect(error.details.at(-1)).toBe('FATAL CONFIG FILE ERROR')
    expect(error.next).toBe('Correct the line quoted above.')
    expect(steps().at(-1)).toBe(
      'shop-redis-1 failed (shop-redis-1 exited with code 1: its configuration is wrong; worker waited for it)',
    )
    expect(engine.calls).not.toContain('start shop-worker-1')
  })

  it('fails even if the engine would start it again', async () => {
    engine.onStart = (name) => engine.die(name, 0)
    const error = await failureOf(up('services: { app: { image: a, restart: always } }'))
    expect(error.message).toBe('shop-app-1 exited with code 0')
  })

  it('is told to be out of memory', async () => {
    engine.onStart = (name) => engine.die(name, 137, true)
    expect((await failureOf(up('services: { app: { image: a } }'))).message).toContain('out of memory')
  })

  it('may end while the engine starts it again, as long as it becomes ready', async () => {
    let runs = 0
    engine.onStart = (name) => {
      if (++runs < 3) setImmediate(() => engine.restart(name, 1))
    }
    await up('services: { app: { image: a, restart: always } }')
    expect(steps().slice(-4)).toEqual([
      'shop-app-1 waiting',
      'shop-app-1 waiting (exited with code 1, the engine starts it again)',
      'shop-app-1 waiting (exited with code 1, the engine starts it again)',
      'shop-app-1 running',
    ])
  })

  it('fails with its third ending, however long it might go on', async () => {
    const fake = engine
    let runs = 0
    fake.onStart = (name) => {
      fake.write(name, 'connect ECONNREFUSED', 't1')
      if (++runs < 5) setImmediate(() => fake.restart(name, 1))
    }
    const error = await failureOf(up('services: { app: { image: a, restart: always } }', { timeoutMs: 60_000 }))
    expect(error.message).toBe(
      'shop-app-1 exited with code 1, 3 times; the engine starts it again and again: a service it needs does not answer',
    )
  })

  it('fails also if nobody keeps its log', async () => {
    engine.onStart = (name) => engine.die(name, 1)
    engine.unreadable.add('shop-app-1')
    const error = await failureOf(up('services: { app: { image: a } }'))
    expect([error.code, error.details]).toEqual(['SERVICE_EXITED', ['(its log cannot be shown: cannot read)']])
  })

  it('is told what its health check printed', async () => {
    engine.onStart = (name) => setImmediate(() => engine.become(name, 'unhealthy', 'PONG expected\n'))
    const error = await failureOf(up(pair))
    expect([error.code, error.message]).toEqual([
      'SERVICE_UNHEALTHY',
      'shop-redis-1 is unhealthy; its health check printed: PONG expected; worker waited for it',
    ])
  })

  it('and takes its time is still starting, not failed', async () => {
    const error = await failureOf(up(pair, { timeoutMs: 20 }))
    expect([error.code, error.message]).toEqual([
      'SERVICE_STILL_STARTING',
      'shop-redis-1 is still starting after 0 s; worker waited for it',
    ])
  })

  it('must end well where others wait for that', async () => {
    engine.onStart = (name) => engine.die(name, 2)
    const text = `services:
      app: { image: a, depends_on: { m: { condition: service_completed_successfully } } }
      m: { image: m }`
    expect((await failureOf(up(text))).message).toBe('shop-m-1 exited with code 2; app waited for it')
  })
})

describe('a probe', () => {
  const file = `services:
    redis: { image: redis, healthcheck: { test: t, interval: 30s }, ports: ["6399:6379"], environment: { SELF: "redis://redis:6379/0" } }`

  it('makes a service ready before the engine has looked for the first time', async () => {
    const targets: ProbeTarget[] = []
    const redis = async (target: ProbeTarget) => {
      targets.push(target)
      if (targets.length < 3) throw new Error('not yet')
    }
    await up(file, { probes: { redis } })
    expect(steps().at(-1)).toBe('shop-redis-1 healthy')
    const port = targets[0]?.address?.port
    expect(targets[0]).toEqual({
      role: 'redis',
      service: 'redis',
      container: 'shop-redis-1',
      hostname: 'host-shop-redis-1',
      environment: { SELF: `redis://127.0.0.1:${port}/0` },
      address: { host: '127.0.0.1', port },
      inside: ['redis', 'shop-redis-1'],
    })
  })

  it('is overtaken by the health check of the engine', async () => {
    engine.onStart = (name) => setImmediate(() => engine.become(name, 'healthy'))
    const redis = (_: ProbeTarget, signal: AbortSignal) =>
      new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    await up(file, { probes: { redis } })
    expect(steps().at(-1)).toBe('shop-redis-1 healthy')
  })

  it('knows better than a health check that gave up', async () => {
    engine.onStart = (name) => engine.become(name, 'unhealthy')
    let attempts = 0
    const redis = async () => {
      if (++attempts < 2) throw new Error('not yet')
    }
    await up(file, { probes: { redis } })
    expect(attempts).toBe(2)
  })

  it('that can never ask leaves it at running on, or to the health check', async () => {
    const redis = async () => {
      throw new CannotAsk('its port is not published')
    }
    await up('services: { redis: { image: redis } }', { probes: { redis } })
    expect(steps().at(-1)).toBe('shop-redis-1 running')
    engine.onStart = (name) => setTimeout(() => engine.become(name, 'healthy'), 10)
    await up('services: { redis: { image: redis, healthcheck: { test: t } } }', { probes: { redis } })
    expect(steps().at(-1)).toBe('shop-redis-1 healthy')
    engine.onStart = (name) => setTimeout(() => engine.become(name, 'unhealthy'), 10)
    const error = await failureOf(
      up('services: { redis: { image: redis, healthcheck: { test: other } } }', { probes: { redis } }),
    )
    expect(error.code).toBe('SERVICE_UNHEALTHY')
  })

  it('gives the reason when time is up', async () => {
    const redis = async () => {
      throw new Error('the socket is silent')
    }
    const error = await failureOf(up(file, { probes: { redis }, timeoutMs: 20 }))
    expect(error.message).toBe('shop-redis-1 is still starting after 0 s: the socket is silent')
  })

  it('is repeated soon at first and twice a second at most', () => {
    expect([0, 1, 2, 3, 4, 9].map(backoffMs)).toEqual([50, 100, 200, 400, 500, 500])
  })
})

const wanted = await freePort()

describe('a busy port', () => {
  const file = `services: { redis: { image: redis, ports: ["127.0.0.1:${wanted}:6379"] } }`
  const holder = {
    host: '127.0.0.1',
    port: wanted,
    target: 6379,
    protocol: 'tcp',
    container: 'other-redis-1',
    project: 'other',
  }

  it('moves, and its holder is named', async () => {
    engine.held = [holder]
    await up(file)
    const moved = events.find(({ type }) => type === 'port')
    expect(moved).toMatchObject({ wanted, holder: 'container other-redis-1', container: 'shop-redis-1' })
    const [container] = await engine.containers()
    expect(container?.ports[0]?.port).toBe(moved?.type === 'port' ? moved.chosen : undefined)
  })

  it('of another machine is not laid to a program of this one', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(wanted, '127.0.0.1', resolve))
    Object.assign(engine, { host: 'docker.example' })
    engine.failures.set('start shop-redis-1', new StackError('PORT_BUSY', 'port is already allocated'))
    await up(file)
    await new Promise((resolve) => server.close(resolve))
    expect(events.find(({ type }) => type === 'port')).toMatchObject({ wanted, chosen: wanted + 1, holder: undefined })
  })

  it('is an error when ports are strict', async () => {
    engine.held = [holder]
    const error = await failureOf(up(file, { strict: true }))
    expect([error.code, error.message]).toEqual([
      'PORT_BUSY',
      `port ${wanted} of shop-redis-1 is taken by container other-redis-1`,
    ])
    expect(engine.calls).toEqual([])
  })

  it('of an earlier run is not taken instead of the one the file asks for when ports are strict', async () => {
    engine.held = [holder]
    await up(file)
    engine.held = []
    engine.all.clear()
    await up(file, { strict: true })
    expect((await engine.containers())[0]?.ports[0]?.port).toBe(wanted)
  })

  it('that only the engine knows of is chosen anew, once', async () => {
    const busy = new StackError('PORT_BUSY', 'port is already allocated')
    engine.failures.set('start shop-redis-1', busy)
    await up(file)
    const temporary = engine.calls.find((call) => call.startsWith('rename'))?.split(' ')[1]
    expect(engine.calls).toEqual([
      'create network shop_default',
      'create shop-redis-1',
      'start shop-redis-1',
      `create ${temporary}`,
      'stop shop-redis-1',
      'remove shop-redis-1',
      `rename ${temporary} to shop-redis-1`,
      'start shop-redis-1',
    ])
    const [container] = await engine.containers()
    expect(container?.ports[0]?.port).not.toBe(wanted)
  })

  it('that was taken while the container stood still moves it as well', async () => {
    await up(file)
    engine.die('shop-redis-1', 0)
    engine.held = [holder]
    engine.failures.set('start shop-redis-1', new StackError('PORT_BUSY', 'port is already allocated'))
    await up(file)
    const [container, ...more] = await engine.containers()
    expect(more).toEqual([])
    expect(container).toMatchObject({ name: 'shop-redis-1', state: 'running' })
    expect(container?.ports[0]?.port).not.toBe(wanted)
    expect(steps().at(-1)).toBe('shop-redis-1 running')
  })
})

describe('an abort', () => {
  it('ends the wait and starts nothing more', async () => {
    const stop = new AbortController()
    engine.onStart = () => setImmediate(() => stop.abort(new Error('Ctrl-C')))
    await expect(up(pair, { signal: stop.signal })).rejects.toThrow('Ctrl-C')
    expect(engine.calls).not.toContain('start shop-worker-1')
  })
})

describe('going down', () => {
  it('goes on when something fails and throws at the end', async () => {
    await up('services: { a: { image: a }, b: { image: b } }')
    engine.calls.length = 0
    engine.failures.set('stop shop-a-1', new StackError('DOCKER_REFUSED', 'no'))
    const plan = dismantle('shop', { containers: await engine.containers(), networks: [], volumes: [] })
    const site = { engine, project: 'shop', emit: () => {}, signal: new AbortController().signal }
    const ending = { timeoutSeconds: undefined, volumes: false }
    await expect(execute(plan, { ...site, ending })).rejects.toThrow('no')
    expect(engine.all.size).toBe(0)
  })
})
