import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TaskRequest } from '../../src/app/context.ts'
import { loadApp } from '../../src/app/load.ts'
import { systemClock } from '../../src/clock.ts'
import { createLogger, type LogRecord } from '../../src/log.ts'
import type { Recycling } from '../../src/pool/child-pool.ts'
import { choosePool } from '../../src/pool/choose.ts'
import type { Job, Pool, PoolName } from '../../src/pool/pool.ts'
import { taskMessage } from '../../src/protocol/task-message.ts'
import { failOnLeaks } from '../support/leaks.ts'
import { until } from '../support/wait.ts'

/** What not every pool can do. */
export type Ability = 'many at a time' | 'replace children' | 'end a task' | 'outlive a task' | 'let a task compute'

/** What a pool promises; each of its implementations runs the same cases, but for what it cannot do, and why. */
export function poolConformance(name: PoolName, cannot: Partial<Record<Ability, string>> = {}): void {
  failOnLeaks()
  // So that only the first child compiles the modules.
  process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'celery-sandbox-test-compiled')
  let gates: string
  let pool: Pool
  const records: LogRecord[] = []
  const events: unknown[] = []

  async function open(concurrency: number, given: Partial<Recycling> = {}): Promise<void> {
    const { app, spec } = await loadApp(join(import.meta.dirname, 'fixtures/pool-app.ts'))
    const log = createLogger((record) => records.push(record))
    const sendEvent = (...event: unknown[]) => void events.push(event)
    const environment = { app, backend: await app.backend(), log, sendEvent }
    const recycling = { maxTasksPerChild: null, maxMemoryPerChild: null, ...given }
    pool = choosePool(name, spec).open({ concurrency, environment, clock: systemClock, ...recycling })
    await pool.start()
  }

  beforeEach(() => {
    gates = mkdtempSync(join(tmpdir(), 'gates-'))
    process.env.GATES = gates
  })
  afterEach(async () => {
    await pool.terminate()
    rmSync(gates, { recursive: true })
  })

  const release = (...names: string[]) => {
    for (const gate of names) writeFileSync(join(gates, gate), '')
  }
  const able = (ability: Ability) => (cannot[ability] ? it.skip : it)
  const title = (ability: Ability, text: string) => (cannot[ability] ? `${text} (cannot: ${cannot[ability]})` : text)

  /** Runs a task, and gives its job once it has begun. */
  function begin(request: TaskRequest) {
    const begun = Promise.withResolvers<Job>()
    return { job: begun.promise, outcome: pool.run(request, { onStart: begun.resolve }) }
  }

  describe('running', () => {
    it('resolves with how the task ended', async () => {
      await open(1)
      expect(await pool.run(request('echo', 8))).toMatchObject({ state: 'SUCCESS', value: 8 })
      expect(await pool.run(request('fail', 'no good'))).toMatchObject({
        state: 'FAILURE',
        error: { info: { exc_type: 'Exception', exc_message: ['no good'] } },
      })
    })

    it('keeps the types of what goes in and comes out', async () => {
      await open(1)
      const value = [new Date(7), new Uint8Array([1, 2]), 2n ** 70n, new Map([['a', new Set([1])]]), Number.NaN]
      expect(await pool.run(request('echo', value))).toMatchObject({ state: 'SUCCESS', value })
    })

    able('many at a time')(
      title('many at a time', 'runs no more than its size, and begins others in order'),
      async () => {
        await open(2)
        const started: string[] = []
        const runs = ['a', 'b', 'c', 'd'].map((gate) =>
          pool.run(request('gate', gate), { onStart: () => started.push(gate) }),
        )
        await Promise.resolve()
        expect(started).toEqual(['a', 'b'])
        release('b')
        await runs[1]
        expect(started).toEqual(['a', 'b', 'c'])
        release('a')
        await runs[0]
        expect(started).toEqual(['a', 'b', 'c', 'd'])
        release('c', 'd')
        await Promise.all(runs)
      },
    )

    it('never runs more than its size, whoever comes while a place is free', async () => {
      await open(1)
      const started: string[] = []
      const run = (gate: string) => pool.run(request('gate', gate), { onStart: () => started.push(gate) })
      const first = run('a')
      const second = run('b')
      release('a')
      const third = first.then(() => run('c'))
      await first
      await Promise.resolve()
      expect(started).toEqual(['a', 'b'])
      release('b', 'c')
      await Promise.all([second, third])
    })

    it('goes on after a task that failed', async () => {
      await open(1)
      const runs = [pool.run(request('fail', 'x')), pool.run(request('echo', 1))]
      expect((await Promise.all(runs)).map((outcome) => outcome.state)).toEqual(['FAILURE', 'SUCCESS'])
    })

    it('asks whether a task is still wanted when there is a place for it', async () => {
      await open(1)
      const first = pool.run(request('gate', 'a'))
      let isWanted = true
      const onStart = () => expect.unreachable('it was not wanted')
      const second = pool.run(request('echo', 1), { isWanted: () => isWanted, onStart })
      isWanted = false
      release('a')
      await first
      expect(await second).toMatchObject({ state: 'TERMINATED' })
      expect(await pool.run(request('echo', 2))).toMatchObject({ value: 2 })
    })

    it('hands over what the task logs and tells', async () => {
      await open(1)
      await pool.run(request('speak', 'hello'))
      expect(records.at(-1)).toMatchObject({ level: 'warning', message: 'hello' })
      expect(events.at(-1)).toEqual(['task-spoken', { uuid: 'speak-hello', word: 'hello' }])
    })

    able('let a task compute')(
      title('let a task compute', 'leaves the own event loop free while a task computes'),
      async () => {
        await open(1)
        const { job, outcome } = begin(request('spin', 'a'))
        await job
        release('a')
        expect(await outcome).toMatchObject({ state: 'SUCCESS' })
      },
    )
  })

  describe('ending a task before its time', () => {
    it('aborts its signal, and a task that lets that out has failed with it', async () => {
      await open(1)
      const { job, outcome } = begin(request('wait', false))
      ;(await job).abort('soft-time-limit')
      expect(await outcome).toMatchObject({
        state: 'FAILURE',
        error: { info: { exc_type: 'SoftTimeLimitExceeded', exc_message: [], exc_module: 'billiard.exceptions' } },
      })
    })

    it('lets a task catch its soft limit and end well', async () => {
      await open(1)
      const { job, outcome } = begin(request('wait', true))
      ;(await job).abort('soft-time-limit')
      expect(await outcome).toMatchObject({ state: 'SUCCESS', value: 'tidied up' })
    })

    it('tells that a task gave way when it was asked to end', async () => {
      await open(1)
      const { job, outcome } = begin(request('wait', true))
      ;(await job).abort('terminated')
      expect(await outcome).toMatchObject({ state: 'TERMINATED' })
    })

    able('end a task')(
      title('end a task', 'ends a task that does not give way, and has a new place for the next'),
      async () => {
        await open(1)
        const { job, outcome } = begin(request('spin', 'never'))
        const next = pool.run(request('echo', 1))
        ;(await job).terminate('SIGKILL')
        expect(await outcome).toMatchObject({ state: 'TERMINATED', how: expect.stringMatching(/SIGKILL|exitcode 1/) })
        expect(await next).toMatchObject({ state: 'SUCCESS' })
      },
    )

    able('outlive a task')(title('outlive a task', 'outlives a task that ends the process'), async () => {
      await open(1)
      expect(await pool.run(request('exit', 3))).toEqual({ state: 'TERMINATED', how: 'exitcode 3' })
      expect(await pool.run(request('echo', 1))).toMatchObject({ state: 'SUCCESS' })
    })
  })

  describe('its size', () => {
    const begun: string[] = []
    const gate = (gateName: string) => pool.run(request('gate', gateName), { onStart: () => begun.push(gateName) })

    able('many at a time')(title('many at a time', 'grows at once, and shrinks as tasks end'), async () => {
      await open(1)
      const runs = ['a', 'b', 'c'].map(gate)
      expect(begun).toEqual(['a'])
      pool.resize(2)
      await until(() => begun.length === 2, { describe: 'the second task to begin' })
      pool.resize(1)
      release('a')
      await runs[0]
      expect(begun).toEqual(['a', 'b'])
      release('b')
      await runs[1]
      release('c')
      await runs[2]
      expect(pool.concurrency).toBe(1)
    })
  })

  describe('replacing its children', () => {
    // Every child keeps a count of its own.
    const counts = async (times: number) => {
      const values: unknown[] = []
      for (let time = 0; time < times; time++) {
        const outcome = await pool.run(request('count', time))
        values.push(outcome.state === 'SUCCESS' && outcome.value)
      }
      return values
    }

    able('replace children')(title('replace children', 'gives each so many tasks and no more'), async () => {
      await open(1, { maxTasksPerChild: 2 })
      expect(await counts(5)).toEqual([1, 2, 1, 2, 1])
    })

    able('replace children')(title('replace children', 'sends away one that holds too much memory'), async () => {
      await open(1, { maxMemoryPerChild: 1 })
      expect(await counts(2)).toEqual([1, 1])
      expect(records.at(-1)?.message).toMatch(/^child process exiting after exceeding memory limit \(\d+KiB \/ 1KiB\)$/)
    })

    able('replace children')(title('replace children', 'replaces all on demand, and cuts no task off'), async () => {
      await open(1)
      expect(await counts(2)).toEqual([1, 2])
      const running = pool.run(request('gate', 'a'))
      pool.restart()
      release('a')
      expect(await running).toMatchObject({ state: 'SUCCESS' })
      expect(await counts(1)).toEqual([1])
    })
  })

  describe('stopping', () => {
    it('waits for what runs, and sends away what stands in line', async () => {
      await open(1)
      const ended: string[] = []
      const first = pool.run(request('gate', 'a')).then(() => ended.push('a'))
      const second = pool.run(request('gate', 'b')).then(({ state }) => ended.push(`b ${state}`))
      const stopping = pool.stop().then(() => ended.push('stopped'))
      await second
      release('a')
      await Promise.all([first, stopping])
      expect(ended).toEqual(['b TERMINATED', 'a', 'stopped'])
    })

    it('sends away what comes after', async () => {
      await open(1)
      await pool.stop()
      expect(await pool.run(request('echo', 1))).toMatchObject({ state: 'TERMINATED' })
    })

    it('can be started again', async () => {
      await open(1)
      await pool.start()
      await pool.stop()
      await pool.stop()
      await pool.start()
      expect(await pool.run(request('echo', 1))).toMatchObject({ state: 'SUCCESS' })
    })

    it('does not wait when it is terminated', async () => {
      await open(1)
      const runs = [pool.run(request('gate', 'never')), pool.run(request('echo', 1))]
      await pool.terminate()
      expect((await Promise.all(runs)).map(({ state }) => state)).toEqual(['TERMINATED', 'TERMINATED'])
      release('never')
    })
  })
}

function request(task: string, arg: unknown): TaskRequest {
  const deliveryInfo = { exchange: '', routingKey: 'celery', priority: 0, redelivered: false }
  return { ...taskMessage({ task, id: `${task}-${String(arg)}`, args: [arg] }), hostname: 'w1@test', deliveryInfo }
}
