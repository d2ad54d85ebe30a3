import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StackEvent } from '../../compose/index.ts'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith } from '../support/parts.ts'
import { collect, operationsIn, Sandbox, stepsIn } from './docker.ts'

failOnLeaks()

const hears = `["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"]`

const shop = `
services:
  redis:
    image: $REDIS
    command: redis-server --save ""
    healthcheck: { test: redis-cli ping, interval: 200ms, timeout: 5s, retries: 30 }
  worker:
    image: $NODE
    command: ${hears}
    depends_on: { redis: { condition: service_healthy, restart: true } }
    deploy: { replicas: 2 }
  other: { image: $NODE, command: ${hears} }
`

describeWith(['docker', 'images', 'compose'], 'the containers of a stack', () => {
  let sandbox: Sandbox

  beforeEach(() => {
    sandbox = new Sandbox()
    sandbox.write(shop)
  })

  afterEach(() => sandbox.remove())

  const states = async () =>
    Object.fromEntries(
      (await (await sandbox.open()).ps()).map(({ service, number, state }) => [`${service}-${number}`, state]),
    )

  const running = { 'other-1': 'running', 'redis-1': 'running', 'worker-1': 'running', 'worker-2': 'running' }

  const named = (events: readonly StackEvent[], container: string) => stepsIn(events, `${sandbox.name}-${container}`)

  describe.each(['celery-sandbox', 'docker compose'] as const)('made by %s', (maker) => {
    beforeEach(async () => {
      if (maker === 'celery-sandbox') await sandbox.up()
      else await sandbox.compose('up', '--detach')
      // From here on nobody can read the file.
      sandbox.write('services: { redis: { what: is this } }')
    })

    it('are stopped in order and stay, and are started again until they are ready', async () => {
      const stack = await sandbox.open()
      const ids = await sandbox.ids()
      const stopped = await collect(stack.stop({}))
      const at = (container: string, step: string) =>
        stopped.findIndex(
          (event) => event.type === 'step' && event.container.endsWith(container) && event.step === step,
        )
      expect(at('redis-1', 'stopping')).toBeGreaterThan(Math.max(at('worker-1', 'stopped'), at('worker-2', 'stopped')))
      expect(await states()).toEqual({
        ...running,
        'other-1': 'exited',
        'redis-1': 'exited',
        'worker-1': 'exited',
        'worker-2': 'exited',
      })
      expect(operationsIn(await collect(stack.stop({})))).toEqual([])
      const started = await collect(stack.start({}))
      expect(named(started, 'redis-1')).toEqual(['starting', 'waiting', 'healthy'])
      const order = started.flatMap((event) =>
        event.type === 'step' && ['healthy', 'starting'].includes(event.step) ? [`${event.service} ${event.step}`] : [],
      )
      expect(order.indexOf('worker starting')).toBeGreaterThan(order.indexOf('redis healthy'))
      expect(await states()).toEqual(running)
      expect(await sandbox.ids()).toEqual(ids)
    })

    it('are restarted with those that want it, and without the others', async () => {
      const stack = await sandbox.open()
      const events = await collect(stack.restart({ services: ['redis'] }))
      expect(named(events, 'redis-1')).toEqual(['stopping', 'starting', 'waiting', 'healthy'])
      expect(named(events, 'worker-2')).toEqual(['stopping', 'starting', 'waiting', 'running'])
      expect(named(events, 'other-1')).toEqual([])
      expect(await states()).toEqual(running)
    })

    it('get signals, are paused, and are removed when they stand', async () => {
      const stack = await sandbox.open()
      await collect(stack.pause({ services: ['redis'] }))
      expect(await states()).toMatchObject({ 'redis-1': 'paused' })
      await collect(stack.unpause({}))
      expect(await states()).toEqual(running)
      await collect(stack.kill({ services: ['worker'], signal: 'SIGTERM' }))
      await expect.poll(states, { timeout: 10_000 }).toMatchObject({ 'worker-1': 'exited', 'worker-2': 'exited' })
      await collect(stack.rm({}))
      expect(await states()).toEqual({ 'other-1': 'running', 'redis-1': 'running' })
      await expect(collect(stack.kill({ signal: 'SIGNOTHING' }))).rejects.toMatchObject({ code: 'SIGNAL_UNKNOWN' })
    })
  })

  it('that are unknown are named, with those that are there', async () => {
    await sandbox.up({ services: ['other'] })
    const stack = await sandbox.open()
    await expect(collect(stack.stop({ services: ['othre'] }))).rejects.toMatchObject({
      code: 'SERVICE_UNKNOWN',
      message: 'there is no service "othre"; there are other',
    })
  })
})

describeWith(['docker', 'images', 'compose'], 'a stack of which nobody hears the stop signal', () => {
  const deaf = `
services:
  sleeper: { image: $NODE, command: sleep 1000 }
  looper: { image: $NODE, command: [sh, -c, "while :; do sleep 1; done"], depends_on: [sleeper] }
`
  let sandbox: Sandbox
  beforeEach(() => {
    sandbox = new Sandbox()
    sandbox.write(deaf)
  })
  afterEach(() => sandbox.remove())

  const timed = async (work: () => Promise<unknown>) => {
    const began = performance.now()
    await work()
    return performance.now() - began
  }

  it('comes down in a quarter of the time of docker compose, at most', async () => {
    await sandbox.up()
    const theirs = await timed(() => sandbox.compose('down'))
    await sandbox.up()
    const ours = await timed(() => sandbox.down())
    expect(ours / theirs).toBeLessThan(0.25)
    expect(await sandbox.remains()).toEqual([])
  })

  it('has its time when one is asked for', async () => {
    await sandbox.up({ services: ['sleeper'] })
    expect(await timed(() => sandbox.down({ timeoutSeconds: 2 }))).toBeGreaterThan(2000)
  })

  it.each([
    [
      'a first process that finishes something',
      `[sh, -c, "trap 'sleep 1; echo done; exit 0' TERM; while :; do sleep 0.05; done"]`,
      '',
    ],
    [
      'an init that passes the signal on',
      `[sh, -c, "trap 'sleep 1; echo done; exit 0' TERM; while :; do sleep 0.05; done"]`,
      ', init: true',
    ],
  ])('keeps the whole grace of %s', async (_, command, more) => {
    sandbox.write(`services: { polite: { image: $NODE, command: ${command}${more} } }`)
    await sandbox.up()
    const stack = await sandbox.open()
    await collect(stack.stop())
    const lines: string[] = []
    for await (const { text } of stack.logs()) lines.push(text)
    expect(lines).toEqual(['done'])
    expect((await stack.ps()).map(({ exitCode }) => exitCode)).toEqual([0])
  })
})
