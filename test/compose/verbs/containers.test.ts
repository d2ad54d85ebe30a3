import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StackError } from '../../../compose/errors.ts'
import { type Emit, emitted, type StackEvent } from '../../../compose/events.ts'
import type { Context, Doing } from '../../../compose/verbs/context.ts'
import { kill, pause, rm } from '../../../compose/verbs/each.ts'
import { containerEvents } from '../../../compose/verbs/events.ts'
import { exec } from '../../../compose/verbs/exec.ts'
import { summaryOf } from '../../../compose/verbs/ls.ts'
import { publicPort } from '../../../compose/verbs/port.ts'
import { run } from '../../../compose/verbs/run.ts'
import { restart, start } from '../../../compose/verbs/start.ts'
import { statsOf } from '../../../compose/verbs/stats.ts'
import { stop } from '../../../compose/verbs/stop.ts'
import { topOf } from '../../../compose/verbs/top.ts'
import { scale, up } from '../../../compose/verbs/up.ts'
import { waitFor } from '../../../compose/verbs/wait.ts'
import { FakeEngine } from '../fake-engine.ts'
import { modelOf } from '../model-of.ts'

const shop = `
services:
  redis: { image: redis:8, labels: { dev.celery-sandbox.role: none }, ports: ["127.0.0.1:7000:6379"] }
  worker: { image: node:24, deploy: { replicas: 2 }, depends_on: { redis: { condition: service_started, restart: true } }, environment: { A: a } }
`

describe('with the containers of a project', () => {
  let engine: FakeEngine
  let context: Context
  let directory = ''
  const never = new AbortController().signal

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'verbs-'))
    engine = new FakeEngine()
    const model = { ...modelOf(shop), directory }
    const project = { name: 'shop', directory, files: [], model: () => model }
    context = { project, engine, reason: '', env: {}, probes: {}, strictPorts: false }
    await doing((now) => up(context, {}, now))
    engine.calls.length = 0
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  async function doing(verb: (now: Doing) => Promise<void>): Promise<StackEvent[]> {
    const events: StackEvent[] = []
    for await (const event of emitted((emit: Emit, signal) => verb({ emit, signal }))) events.push(event)
    return events
  }

  it('stop asks those first that depend on others', async () => {
    const events = await doing((now) => stop(context, {}, now))
    expect(engine.calls.slice(0, 2).sort()).toEqual(['stop shop-worker-1', 'stop shop-worker-2'])
    expect(engine.calls.at(-1)).toBe('stop shop-redis-1')
    expect(events.at(-1)).toMatchObject({ type: 'done', changed: true })
  })

  it('start begins with what others need, and restart takes those along that want it', async () => {
    await doing((now) => stop(context, {}, now))
    engine.calls.length = 0
    await doing((now) => start(context, {}, now))
    expect(engine.calls[0]).toBe('start shop-redis-1')
    engine.calls.length = 0
    await doing((now) => restart(context, { services: ['redis'] }, now))
    expect(engine.calls.filter((call) => call.startsWith('start'))).toHaveLength(3)
  })

  it('start of one whose port is taken meanwhile fails, and makes nothing anew', async () => {
    await doing((now) => stop(context, {}, now))
    engine.failures.set('start shop-redis-1', new StackError('PORT_BUSY', 'port 7000 is taken'))
    await expect(doing((now) => start(context, { services: ['redis'] }, now))).rejects.toMatchObject({
      code: 'PORT_BUSY',
    })
    expect(engine.calls.filter((call) => call.startsWith('create') || call.startsWith('remove'))).toEqual([])
  })

  it('kill, pause and rm are about services that are named, in the state that they mean', async () => {
    await doing((now) => kill(context, { services: ['worker'], signal: 'SIGHUP' }, now))
    await doing((now) => pause(context, { services: ['redis'] }, now))
    expect(engine.calls).toEqual(['kill shop-worker-1 SIGHUP', 'kill shop-worker-2 SIGHUP', 'pause shop-redis-1'])
    engine.calls.length = 0
    engine.die('shop-worker-2', 1)
    await doing((now) => rm(context, {}, now))
    expect(engine.calls).toContain('remove shop-worker-2')
    expect(engine.calls.join()).not.toMatch(/worker-1|redis/)
    await expect(doing((now) => kill(context, { services: ['wroker'] }, now))).rejects.toMatchObject({
      message: 'there is no service "wroker"; there are redis, worker',
    })
  })

  it('scale makes and removes containers of the services named, and looks at no other', async () => {
    await doing((now) => scale(context, { worker: 3 }, now))
    expect(engine.calls).toEqual(['create shop-worker-3', 'start shop-worker-3'])
    engine.calls.length = 0
    await doing((now) => scale(context, { worker: 0 }, now))
    expect(engine.calls.filter((call) => call.startsWith('remove')).sort()).toEqual([
      'remove shop-worker-1',
      'remove shop-worker-2',
      'remove shop-worker-3',
    ])
    expect(engine.calls.join()).not.toContain('redis')
  })

  it('exec picks the first container that runs, or the one of a number', async () => {
    engine.die('shop-worker-1', 0)
    await exec(engine, 'shop', { service: 'worker', command: ['ls'], tty: false })
    expect(engine.calls.at(-1)).toBe('exec shop-worker-2 ls')
    const gone = exec(engine, 'shop', { service: 'worker', command: ['ls'], tty: false, index: 1 })
    await expect(gone).rejects.toMatchObject({ code: 'SERVICE_NOT_RUNNING' })
  })

  it('run makes a container of its own: no number, no restart, no ports but those asked for', async () => {
    engine.die('shop-redis-1', 1)
    const options = { service: 'worker', command: ['sh'], environment: { B: 'b' }, ports: ['7100:80'], tty: true }
    const oneOff = await run(context, options, { emit: () => {}, signal: never })
    expect(oneOff.name).toMatch(/^shop-worker-run-[0-9a-f]{12}$/)
    expect(engine.calls).toEqual([
      'start shop-redis-1',
      `create ${oneOff.name}`,
      `attach ${oneOff.name}`,
      `start ${oneOff.name}`,
    ])
    const made = engine.all.get(oneOff.id)?.spec
    expect(made?.labels).toMatchObject({ 'com.docker.compose.oneoff': 'True', 'com.docker.compose.service': 'worker' })
    expect(made?.labels).not.toHaveProperty(['com.docker.compose.container-number'])
    expect(made?.service.config).toMatchObject({
      command: ['sh'],
      environment: { A: 'a', B: 'b' },
      tty: true,
      stdin_open: true,
    })
    expect(made?.ports).toEqual([expect.objectContaining({ port: 7100, target: 80 })])
  })

  it('run without dependencies starts none, and removes what cannot be started', async () => {
    engine.die('shop-redis-1', 1)
    const options = { service: 'worker', name: 'mine', dependencies: false, tty: false }
    engine.failures.set('start mine', new Error('no such program'))
    await expect(run(context, options, { emit: () => {}, signal: never })).rejects.toThrow('no such program')
    expect(engine.calls).toEqual(['create mine', 'attach mine', 'start mine', 'remove mine'])
    await expect(
      run(context, { ...options, volumes: ['data:/b:ro:d'] }, { emit: () => {}, signal: never }),
    ).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  it('port says where, or what is published instead', async () => {
    const where = await publicPort(engine, 'shop', { service: 'redis', port: 6379 })
    expect(where).toMatchObject({ host: '127.0.0.1' })
    await expect(publicPort(engine, 'shop', { service: 'redis', port: 80 })).rejects.toMatchObject({
      message: 'shop-redis-1 does not publish its port 80/tcp; it publishes 6379/tcp',
    })
  })

  it('top asks those that run', async () => {
    engine.die('shop-worker-2', 0)
    const told = await topOf(engine, 'shop', ['worker'])
    expect(told.map(({ container }) => container)).toEqual(['shop-worker-1'])
  })

  it('stats follow a container from its start to its end', async () => {
    const seen: string[] = []
    for await (const { container, sample } of statsOf(engine, 'shop', { services: ['redis'] })) {
      seen.push(`${container} ${sample ? (sample.cpuPercent ?? 'at first') : 'ended'}`)
      if (seen.length === 2) engine.die('shop-redis-1', 0)
    }
    expect(seen).toEqual(['shop-redis-1 at first', 'shop-redis-1 50', 'shop-redis-1 ended'])
  })

  it('wait tells of the first that ends', async () => {
    const ended = waitFor(engine, 'shop', ['redis', 'worker'], never)
    setImmediate(() => engine.die('shop-worker-2', 9))
    expect(await ended).toEqual({ service: 'worker', container: 'shop-worker-2', exitCode: 9 })
    expect(await waitFor(engine, 'shop', ['worker'], never)).toMatchObject({ exitCode: 9 })
  })

  it('events leave out labels that are only for us and Compose', async () => {
    const events = containerEvents(engine, 'shop', { services: ['worker'] })[Symbol.asyncIterator]()
    const next = events.next()
    setImmediate(() => {
      engine.die('shop-redis-1', 0)
      engine.die('shop-worker-1', 2)
    })
    expect((await next).value).toMatchObject({
      action: 'die',
      service: 'worker',
      attributes: { name: 'shop-worker-1', exitCode: '2' },
    })
    await events.return?.(undefined)
  })

  it('a summary has states, maker and whether the directory is still there', async () => {
    engine.die('shop-worker-1', 0)
    const containers = await engine.containers()
    const summary = () => summaryOf('shop', containers, engine)
    expect(summary()).toMatchObject({
      directory,
      states: { running: 2, exited: 1 },
      madeBy: 'celery-sandbox',
      isOrphan: false,
    })
    expect(summaryOf('shop', containers, { kind: 'docker', host: 'far.away' }).isOrphan).toBe(false)
  })
})
