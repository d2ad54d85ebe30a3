import { tmpdir } from 'node:os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ContainerSpec, Engine, EngineEvent, EngineLogLine } from '../../compose/engine/engine.ts'
import { StackError } from '../../compose/errors.ts'
import { composeLabels } from '../../compose/identity/labels.ts'
import { modelOf } from '../compose/model-of.ts'

/** What a container of the suite does: says some lines, then runs on or ends. */
export interface Behaviour {
  readonly says?: readonly string[]
  /** Ends with this code once it has spoken; runs on when undefined. */
  readonly exits?: number
  /** Takes no notice when asked to end. */
  readonly stubborn?: boolean
}

export interface EngineUnderTest {
  readonly engine: Engine
  /** Image and command by which a container behaves so. */
  command(behaviour: Behaviour): { readonly image: string; readonly command: readonly string[] }
  /** Takes away everything of the project. */
  cleanUp(project: string): Promise<void>
}

/** What every engine must do. */
export function engineConformance(title: string, setUp: () => Promise<EngineUnderTest>): void {
  describe(title, () => {
    let under: EngineUnderTest
    let engine: Engine
    let project = ''
    const stop = { current: new AbortController() }

    beforeEach(async () => {
      under = await setUp()
      engine = under.engine
      project = `conformance-${Math.random().toString(36).slice(2, 10)}`
      stop.current = new AbortController()
    })

    afterEach(async () => {
      stop.current.abort()
      await under.cleanUp(project)
      await engine.close()
    })

    function specOf(name: string, behaviour: Behaviour, extra = ''): ContainerSpec {
      const { image, command } = under.command(behaviour)
      const file = `services: { app: { image: "${image}", command: ${JSON.stringify(command)}, network_mode: none, stop_grace_period: 1s${extra} } }`
      const { model } = engine.prepare({ ...modelOf(file), name: project, directory: tmpdir() })
      const service = model.services.app
      if (!service) throw new Error('the engine does not know the service')
      const labels = { [composeLabels.project]: project, [composeLabels.service]: 'app' }
      return { name: `${project}-${name}`, model, service, labels, ports: [], replaces: undefined }
    }

    async function started(name: string, behaviour: Behaviour): Promise<string> {
      const id = await engine.create(specOf(name, behaviour))
      await engine.start(id)
      return id
    }

    const only = async () => {
      const [container, ...more] = await engine.containers(project)
      expect(more).toEqual([])
      return container
    }

    async function listen(): Promise<(action: EngineEvent['action'], container: string) => Promise<EngineEvent>> {
      // As a stack does before anything else.
      engine.prepare(modelOf('services: { app: { image: x } }'))
      const events = (await engine.events(project, stop.current.signal))[Symbol.asyncIterator]()
      return async (action, container) => {
        while (true) {
          const { done, value } = await events.next()
          if (done) throw new Error('the events ended')
          if (value.action === action && value.container === container) return value
        }
      }
    }

    const read = async (id: string, options = {}) => {
      const lines: EngineLogLine[] = []
      for await (const line of engine.logs(id, options)) lines.push(line)
      return lines
    }

    it('has nothing of a project nobody made', async () => {
      expect(await engine.containers(project)).toEqual([])
      expect(await engine.resources(project)).toEqual({ networks: [], volumes: [] })
      expect(await engine.inspect('nobody')).toBeUndefined()
    })

    it('creates a container that stands still', async () => {
      const event = await listen()
      const id = await engine.create(specOf('one', {}))
      expect((await event('create', id)).name).toBe(`${project}-one`)
      expect(await only()).toMatchObject({
        id,
        name: `${project}-one`,
        state: 'created',
        health: 'none',
        labels: { [composeLabels.service]: 'app' },
      })
      expect(await engine.containers('other-project')).toEqual([])
    })

    it('starts a container, and does not mind being asked twice', async () => {
      const event = await listen()
      const id = await started('one', {})
      expect((await event('start', id)).labels[composeLabels.service]).toBe('app')
      await engine.start(id)
      expect(await only()).toMatchObject({ state: 'running' })
      expect(await engine.inspect(id)).toMatchObject({ id, state: 'running', health: 'none', name: `${project}-one` })
    })

    it('tells when a container ends, and how', async () => {
      const event = await listen()
      const id = await started('one', { exits: 3 })
      expect((await event('die', id)).exitCode).toBe(3)
      // An engine may need a moment until its list says what it has told.
      await expect.poll(only).toMatchObject({ state: 'exited', exitCode: 3 })
      expect(await engine.inspect(id)).toMatchObject({ state: 'exited', exitCode: 3, oomKilled: false })
    })

    it('stops a container, and does not mind if it stands already', async () => {
      const event = await listen()
      const id = await started('one', { says: ['up'] })
      await engine.stop(id)
      await event('die', id)
      await engine.stop(id)
      await expect.poll(only).toMatchObject({ state: 'exited' })
    })

    it('makes a stubborn container stop', async () => {
      const event = await listen()
      const id = await started('one', { says: ['deaf'], stubborn: true })
      await said(id, 'deaf')
      await engine.stop(id, 1)
      expect((await event('die', id)).exitCode).toBe(137)
    })

    it('sends a signal by name, and does not mind if nobody is there to get it', async () => {
      const event = await listen()
      const id = await started('one', { says: ['up'] })
      await said(id, 'up')
      await engine.kill(id, 'SIGTERM')
      await event('die', id)
      await engine.kill(id, 'SIGTERM')
    })

    it('kills with a number, and refuses a signal that does not exist', async () => {
      const event = await listen()
      const id = await started('one', { says: ['deaf'], stubborn: true })
      await said(id, 'deaf')
      await expect(engine.kill(id, 'SIGNOTHING')).rejects.toMatchObject({ code: 'SIGNAL_UNKNOWN' })
      await engine.kill(id, '9')
      expect((await event('die', id)).exitCode).toBe(137)
    })

    it('starts a container again after it ended', async () => {
      const event = await listen()
      const id = await started('one', { says: ['hello'], exits: 0 })
      await event('die', id)
      await engine.start(id)
      await event('start', id)
      await event('die', id)
      expect((await read(id)).map(({ text }) => text)).toEqual(['hello', 'hello'])
    })

    it('removes a container whether it runs or not, and does not mind if it is gone', async () => {
      const event = await listen()
      const id = await started('one', {})
      await engine.remove(id)
      await event('destroy', id)
      await engine.remove(id)
      expect(await engine.containers(project)).toEqual([])
      expect(await engine.inspect(id)).toBeUndefined()
    })

    it('gives each name once', async () => {
      await engine.create(specOf('one', {}))
      const again = engine.create(specOf('one', {}))
      await expect(again).rejects.toThrow(StackError)
      await expect(again).rejects.toMatchObject({ code: 'NAME_IN_USE' })
    })

    it('makes a container beside the one it replaces and gives it the name', async () => {
      const old = await engine.create(specOf('one', {}))
      const spec = specOf('one', {})
      const replaces = { container: old, temporaryName: `temporary_${spec.name}` }
      const id = await engine.create({ ...spec, replaces })
      expect((await engine.containers(project)).map(({ name }) => name).sort()).toEqual([
        spec.name,
        replaces.temporaryName,
      ])
      await engine.remove(old)
      await engine.rename(id, spec.name)
      expect(await only()).toMatchObject({ id, name: spec.name })
    })

    it('keeps what a container wrote, line by line, each with its time', async () => {
      const event = await listen()
      const id = await started('one', { says: ['one', 'two ☃', '', 'four'], exits: 0 })
      await event('die', id)
      const lines = await read(id)
      expect(lines.map(({ stream, text }) => [stream, text])).toEqual([
        ['stdout', 'one'],
        ['stdout', 'two ☃'],
        ['stdout', ''],
        ['stdout', 'four'],
      ])
      expect(lines.every(({ time }) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}Z$/.test(time))).toBe(true)
      expect((await read(id, { tail: 2 })).map(({ text }) => text)).toEqual(['', 'four'])
      const last = lines.at(-1)
      expect((await read(id, { since: last?.time })).at(-1)).toEqual(last)
      expect(await read(id, { since: '2999-01-01T00:00:00.000Z' })).toEqual([])
    })

    it('follows what a container writes until it ends', async () => {
      const id = await started('one', { says: ['hello'] })
      const lines = engine.logs(id, { follow: true })[Symbol.asyncIterator]()
      expect((await lines.next()).value).toMatchObject({ stream: 'stdout', text: 'hello' })
      await engine.stop(id)
      let result = await lines.next()
      while (!result.done) result = await lines.next()
      expect(result.done).toBe(true)
    })

    it('ends logs and events when they are aborted', async () => {
      const id = await started('one', { says: ['hello'] })
      const abort = new AbortController()
      const events = (await engine.events(project, abort.signal))[Symbol.asyncIterator]()
      const logs = engine.logs(id, { follow: true, signal: abort.signal })[Symbol.asyncIterator]()
      await logs.next()
      const ends = Promise.all([events.next(), logs.next()])
      abort.abort()
      expect((await ends).map(({ done }) => done)).toEqual([true, true])
    })

    it('tells what a container uses, of its processors from the second time on, until it ends', async () => {
      const id = await started('one', {})
      const samples = engine.stats(id, stop.current.signal)[Symbol.asyncIterator]()
      const first = (await samples.next()).value
      expect([first?.cpuPercent, first?.processes]).toEqual([undefined, expect.any(Number)])
      expect(first?.memoryBytes).toBeGreaterThan(0)
      const second = (await samples.next()).value
      expect(second?.cpuPercent).toBeGreaterThanOrEqual(0)
      stop.current.abort()
      expect((await samples.next()).done).toBe(true)
    })

    it('remembers what happened in a while that is past', async () => {
      const event = await listen()
      const since = new Date(Date.now() - 1).toISOString()
      const id = await started('one', { exits: 3 })
      const { time } = await event('die', id)
      const past = await engine.events(project, stop.current.signal, { since, until: new Date().toISOString() })
      const actions: string[] = []
      for await (const one of past) if (one.container === id) actions.push(one.action)
      expect(actions).toEqual(['create', 'start', 'die'])
      expect(time >= since).toBe(true)
    })

    it('tells the environment and the host name of a container', async () => {
      const id = await engine.create(specOf('one', {}, ', environment: { A: "1", B: "x=y" }, hostname: here'))
      expect(await engine.inspect(id)).toMatchObject({ hostname: 'here', environment: { A: '1', B: 'x=y' } })
    })

    async function said(id: string, text: string): Promise<void> {
      for await (const line of engine.logs(id, { follow: true })) if (line.text === text) return
    }
  })
}
