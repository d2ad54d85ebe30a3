import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Probes, StackError, type StackEvent } from '../../compose/index.ts'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith } from '../support/parts.ts'
import { freePort } from '../support/port.ts'
import { askRedis } from '../support/redis.ts'
import { collect, operationsIn, Sandbox, stepsIn } from './docker.ts'

failOnLeaks()

const loop = `["sh", "-c", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done"]`

/** Two services and a volume; nothing here needs Docker's own health check, whose first look comes after 30 s. */
const shop = `
services:
  redis:
    image: $REDIS
    ports: ["127.0.0.1::6379"]
    volumes: ["data:/data"]
    healthcheck: { test: redis-cli ping, interval: 30s }
    init: true
  worker:
    image: $NODE
    command: ${loop}
    environment: { BROKER: "redis://redis:6379/1", LEVEL: info }
    depends_on: { redis: { condition: service_healthy } }
    deploy: { replicas: 2 }
    stop_grace_period: 2s
volumes: { data: }
`

const probes: Probes = {
  async redis({ address }) {
    if (!address) throw new Error('not published')
    if ((await askRedis(`redis://${address.host}:${address.port}`, 'PING')) !== 'PONG') throw new Error('no pong')
  },
}

describeWith(['docker', 'images', 'compose'], 'a stack on Docker', () => {
  let sandbox: Sandbox

  beforeEach(() => {
    sandbox = new Sandbox()
  })

  afterEach(() => sandbox.remove())

  const failure = async (work: Promise<unknown>): Promise<StackError> => {
    const thrown: unknown = await work.then(
      () => undefined,
      (error: unknown) => error,
    )
    if (thrown instanceof StackError) return thrown
    throw new Error('not the error that was expected', { cause: thrown })
  }

  it('goes up in order and comes down without a trace', async () => {
    sandbox.write(shop)
    const events = await sandbox.up({}, { probes })
    expect(operationsIn(events)).toContain(`create network ${sandbox.name}_default (missing)`)
    expect(stepsIn(events, `${sandbox.name}-redis-1`)).toEqual(['creating', 'starting', 'waiting', 'healthy'])
    expect(stepsIn(events, `${sandbox.name}-worker-2`)).toEqual(['creating', 'starting', 'waiting', 'running'])
    const order = events.flatMap((event) => (event.type === 'step' ? [`${event.service} ${event.step}`] : []))
    expect(order.indexOf('redis healthy')).toBeLessThan(order.indexOf('worker starting'))
    expect(events.at(-1)).toMatchObject({ type: 'done', changed: true })

    const stack = await sandbox.open({ probes })
    const statuses = await stack.ps()
    expect(statuses.map(({ name, state, health }) => [name.replace(`${sandbox.name}-`, ''), state, health])).toEqual([
      ['redis-1', 'running', 'healthy'],
      ['worker-1', 'running', 'none'],
      ['worker-2', 'running', 'none'],
    ])
    const port = statuses[0]?.ports[0]?.port
    expect(await stack.environment('worker')).toMatchObject({ BROKER: `redis://127.0.0.1:${port}/1`, LEVEL: 'info' })

    const startedAt = Date.now()
    await sandbox.down()
    expect(Date.now() - startedAt).toBeLessThan(3000)
    expect(await sandbox.remains()).toEqual([`${sandbox.name}_data`])
    await sandbox.down({ volumes: true })
    expect(await sandbox.remains()).toEqual([])
    expect((await sandbox.down()).at(-1)).toMatchObject({ type: 'done', changed: false })
  })

  it('changes nothing the second time, and only what was edited the third', async () => {
    sandbox.write(shop)
    await sandbox.up({}, { probes })
    const before = await sandbox.ids()
    const second = await sandbox.up({}, { probes })
    expect(operationsIn(second)).toEqual([])
    expect(second.at(-1)).toMatchObject({ type: 'done', changed: false })
    expect(await sandbox.ids()).toEqual(before)

    sandbox.write(shop.replace('LEVEL: info', 'LEVEL: debug'))
    const third = await sandbox.up({}, { probes })
    expect(operationsIn(third)[0]).toBe(`recreate ${sandbox.name}-worker-1 (environment.LEVEL changed)`)
    const after = await sandbox.ids()
    expect(after['redis-1']).toBe(before['redis-1'])
    expect(Object.keys(after).sort()).toEqual(['redis-1', 'worker-1', 'worker-2'])
    expect(after['worker-1']).not.toBe(before['worker-1'])
  })

  it('keeps data that only the image has a volume for', async () => {
    sandbox.write(shop.replace('volumes: ["data:/data"]', '').replace('volumes: { data: }', ''))
    await sandbox.up({}, { probes })
    const ask = async (...commands: string[]) => {
      const [status] = await (await sandbox.open()).ps()
      return askRedis(`redis://127.0.0.1:${status?.ports[0]?.port}`, ...commands)
    }
    await ask('SET key kept', 'SAVE')
    await sandbox.up({ recreate: 'always' }, { probes })
    expect(await ask('DBSIZE')).toBe('1')
    const info = JSON.parse(await sandbox.docker('inspect', `${sandbox.name}-redis-1`))
    await sandbox.down({ volumes: true })
    expect(await sandbox.docker('volume', 'ls', '--quiet')).not.toContain(info[0].Mounts[0].Name)
  })

  it('scales, and scales back', async () => {
    sandbox.write(shop)
    await sandbox.up({ scale: { worker: 3 } }, { probes })
    expect(Object.keys(await sandbox.ids()).sort()).toEqual(['redis-1', 'worker-1', 'worker-2', 'worker-3'])
    await sandbox.up({ scale: { worker: 1 } }, { probes })
    expect(Object.keys(await sandbox.ids()).sort()).toEqual(['redis-1', 'worker-1'])
  })

  it('says at once why a service ended, with its last words', async () => {
    sandbox.write(
      `services: { app: { image: "$NODE", command: [sh, -c, "echo starting; echo no such option >&2; exit 3"] } }`,
    )
    const startedAt = Date.now()
    const error = await failure(sandbox.up())
    expect(Date.now() - startedAt).toBeLessThan(3000)
    expect([error.code, error.message]).toEqual(['SERVICE_EXITED', `${sandbox.name}-app-1 exited with code 3`])
    expect([...error.details].sort()).toEqual(['no such option', 'starting'])
  })

  it.each([
    ['a program that is not there', 'command: [nonesuch]', 'START_FAILED', 'the image has no such program'],
    [
      'a mount of nothing',
      'volumes: [{ type: bind, source: /nonesuch, target: /x, bind: { create_host_path: false } }]',
      'START_FAILED',
      'Create the directory',
    ],
    [
      'an image that is not to be had',
      'image: celery-sandbox-test/nonesuch, pull_policy: never',
      'IMAGE_MISSING',
      'pull_policy',
    ],
    [
      'an unhealthy service',
      `command: ${loop}, healthcheck: { test: "echo sick; exit 1", interval: 100ms, retries: 1 }`,
      'SERVICE_UNHEALTHY',
      'health check',
    ],
    [
      'a memory limit',
      'mem_limit: 6m, command: [sh, -c, "head -c 64m /dev/zero | tail"], healthcheck: { test: "true", interval: 9s }',
      'SERVICE_EXITED',
      'memory limit',
    ],
  ])('explains %s', async (_, config, code, next) => {
    const image = config.includes('image:') ? '' : 'image: "$NODE", '
    sandbox.write(`services: { app: { ${image}${config} } }`)
    const error = await failure(sandbox.up())
    expect(error.code).toBe(code)
    expect(error.next).toContain(next)
  })

  it('moves away from busy ports, names who has them, and stays there', async () => {
    const port = await freePort()
    const fixed = (name: string) =>
      shop.replace('127.0.0.1::6379', `127.0.0.1:${port}:6379`).replace('LEVEL: info', `LEVEL: ${name}`)
    const neighbour = new Sandbox()
    try {
      neighbour.write(fixed('neighbour'))
      await neighbour.up({}, { probes })
      sandbox.write(fixed('ours'))
      const strict = await failure(sandbox.up({}, { probes, strictPorts: true }))
      expect(strict.message).toBe(
        `port ${port} of ${sandbox.name}-redis-1 is taken by container ${neighbour.name}-redis-1`,
      )
      const moved = portIn(await sandbox.up({}, { probes }))
      expect(moved).toMatchObject({ wanted: port, holder: `container ${neighbour.name}-redis-1` })
      expect(JSON.parse(readFileSync(join(sandbox.directory, '.celery-sandbox', 'ports.json'), 'utf8'))).toEqual({
        [`${sandbox.name}-redis-1 127.0.0.1:${port}:6379/tcp`]: moved?.chosen,
      })
      await neighbour.remove()
      await sandbox.down()
      const again = portIn(await sandbox.up({}, { probes }))
      expect(again).toMatchObject({ wanted: port, chosen: moved?.chosen, holder: undefined })
    } finally {
      await neighbour.remove()
    }
  })

  it('moves a container whose port was taken while it stood still', async () => {
    const port = await freePort()
    sandbox.write(shop.replace('127.0.0.1::6379', `127.0.0.1:${port}:6379`))
    await sandbox.up({ services: ['redis'] }, { probes })
    await sandbox.docker('stop', `${sandbox.name}-redis-1`)
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    try {
      const moved = portIn(await sandbox.up({ services: ['redis'] }, { probes }))
      expect(moved).toMatchObject({ wanted: port, container: `${sandbox.name}-redis-1` })
      expect(Object.keys(await sandbox.ids())).toEqual(['redis-1'])
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('moves away from a program of the host', async () => {
    const server = createServer()
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
    })
    try {
      sandbox.write(shop.replace('127.0.0.1::6379', `127.0.0.1:${port}:6379`))
      const moved = portIn(await sandbox.up({ services: ['redis'] }, { probes }))
      expect(moved?.wanted).toBe(port)
      expect(moved?.holder).toContain(`pid ${process.pid}`)
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('refuses a project of the same name from another directory, unless told', async () => {
    sandbox.write(shop)
    await sandbox.up({ services: ['redis'] }, { probes })
    const other = new Sandbox()
    try {
      other.write(shop)
      const named = { directory: other.directory, env: other.env, projectName: sandbox.name, engine: 'docker' } as const
      const stack = await sandbox.open(named)
      const refused = await failure(collect(stack.up()))
      expect([refused.code, refused.message]).toEqual([
        'PROJECT_ELSEWHERE',
        `the project "${sandbox.name}" is already running from ${sandbox.directory}`,
      ])
      expect((await failure(collect(stack.down()))).code).toBe('PROJECT_ELSEWHERE')
      await collect(stack.down({ anyDirectory: true, volumes: true }))
      expect(await sandbox.remains()).toEqual([])
    } finally {
      await other.remove()
    }
  })

  it('looks and takes down whatever the file has become', async () => {
    sandbox.write(shop)
    await sandbox.up({}, { probes })
    sandbox.write('services: { redis: { imag: x, build: . } }')
    const stack = await sandbox.open()
    expect(await stack.ps()).toHaveLength(3)
    expect((await failure(collect(stack.up()))).code).toBe('COMPOSE_FILE_INVALID')
    await sandbox.down({ volumes: true })
    expect(await sandbox.remains()).toEqual([])
  })

  it('leaves nothing that down does not find when it is aborted, whenever that is', async () => {
    sandbox.write(shop)
    for (const moment of ['creating', 'starting', 'waiting'] as const) {
      const abort = new AbortController()
      const stack = await sandbox.open({ probes, signal: abort.signal })
      const up = (async () => {
        for await (const event of stack.up()) {
          if (event.type === 'step' && event.step === moment) abort.abort(new Error('Ctrl-C'))
        }
      })()
      await expect(up).rejects.toThrow('Ctrl-C')
      await sandbox.down({ volumes: true })
      expect(await sandbox.remains()).toEqual([])
    }
  })

  it('follows logs through restarts, in order and without repetition', async () => {
    sandbox.write(
      `services: { app: { image: "$NODE", command: [sh, -c, "trap 'exit 0' TERM; i=0; while [ $$i -lt 3 ]; do echo run $$i; i=$$((i+1)); done; while :; do sleep 0.05; done"] } }`,
    )
    await sandbox.up()
    const stack = await sandbox.open()
    const lines = stack.logs({ follow: true })[Symbol.asyncIterator]()
    const next = async (count: number) => {
      const texts: string[] = []
      while (texts.length < count) {
        const { value } = await lines.next()
        if (value?.stream !== 'notice') texts.push(String(value?.text))
      }
      return texts
    }
    expect(await next(3)).toEqual(['run 0', 'run 1', 'run 2'])
    await sandbox.docker('restart', `${sandbox.name}-app-1`)
    expect(await next(3)).toEqual(['run 0', 'run 1', 'run 2'])
    const rest = (async () => {
      const streams: string[] = []
      for (let line = await lines.next(); !line.done; line = await lines.next()) streams.push(line.value.stream)
      return streams
    })()
    await sandbox.down()
    expect([...new Set(await rest)]).toEqual(['notice'])
  })

  it('puts a container on every network it asks for, under every name', async () => {
    sandbox.write(`
services:
  app: { image: "$NODE", command: ${loop}, networks: { front: , back: { aliases: [other] } } }
networks: { front: , back: }`)
    await sandbox.up()
    const info = JSON.parse(await sandbox.docker('inspect', `${sandbox.name}-app-1`))
    const networks = info[0].NetworkSettings.Networks
    expect(Object.keys(networks).sort()).toEqual([`${sandbox.name}_back`, `${sandbox.name}_front`])
    expect(networks[`${sandbox.name}_back`].Aliases).toEqual(
      expect.arrayContaining(['app', 'other', `${sandbox.name}-app-1`]),
    )
    expect(networks[`${sandbox.name}_front`].Aliases).toEqual(expect.arrayContaining(['app']))
  })

  it('says that an engine is not there, and what it tried', async () => {
    sandbox.write(shop)
    const error = await failure(sandbox.open({ env: { ...sandbox.env, DOCKER_HOST: 'unix:///nope' } }))
    expect([error.code, error.message]).toEqual([
      'DOCKER_UNREACHABLE',
      'Docker not reachable at unix:///nope (from DOCKER_HOST): there is no such socket',
    ])
  })
})

function portIn(events: readonly StackEvent[]) {
  return events.find((event) => event.type === 'port')
}
