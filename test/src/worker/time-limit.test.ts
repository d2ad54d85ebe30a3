import { describe, expect, it } from 'vitest'
import { Celery } from '../../../src/celery.ts'
import { ManualClock } from '../../../src/clock.ts'
import { createLogger, silentLogger } from '../../../src/log.ts'
import type { Pool } from '../../../src/pool/pool.ts'
import { taskMessage } from '../../../src/protocol/task-message.ts'
import { type Limits, TimeLimits, watchLimits } from '../../../src/worker/time-limit.ts'

const none: Limits = { soft: undefined, hard: undefined }
const pool = (canTerminate: boolean) => ({ name: 'async', canTerminate }) as Pool

function app() {
  const app = new Celery('limits', { brokerUrl: 'memory://limits', taskTimeLimit: 40, taskSoftTimeLimit: 30 })
  app.task('own', () => {}, { timeLimit: 20, softTimeLimit: 10 })
  app.task('plain', () => {})
  return app
}

const message = (task: string, given = {}) => taskMessage({ task, id: task, ...given })

describe('the limits of a call', () => {
  const limits = new TimeLimits(app(), pool(true), silentLogger, none)

  it("are its own, over the task's, over the settings'", () => {
    expect(limits.of(message('own', { timeLimit: 2, softTimeLimit: 1 }))).toEqual({ soft: 1, hard: 2 })
    expect(limits.of(message('own'))).toEqual({ soft: 10, hard: 20 })
    expect(limits.of(message('plain'))).toEqual({ soft: 30, hard: 40 })
    expect(limits.of(message('own', { timeLimit: 0, softTimeLimit: 1 }))).toEqual({ soft: 1, hard: 20 })
  })

  it("take the worker's own over the settings'", () => {
    const given = new TimeLimits(app(), pool(true), silentLogger, { soft: undefined, hard: 5 })
    expect(given.of(message('plain'))).toEqual({ soft: 30, hard: 5 })
    expect(given.of(message('own'))).toEqual({ soft: 10, hard: 20 })
  })

  it("take what remote control has set over the task's", () => {
    const changed = new TimeLimits(app(), pool(true), silentLogger, none)
    changed.change('own', { soft: 3, hard: undefined })
    expect(changed.of(message('own'))).toEqual({ soft: 3, hard: 40 })
  })
})

it('a pool that ends no tasks keeps no hard limit, which is said once a task', () => {
  const lines: string[] = []
  const log = createLogger(({ message: line }) => lines.push(line))
  const limits = new TimeLimits(app(), pool(false), log, none)
  limits.checkDeclared()
  expect(limits.of(message('own'))).toEqual({ soft: 10, hard: undefined })
  expect(lines.filter((line) => line.includes('(20s) of own'))).toHaveLength(1)
})

it('a limit is told when it has passed, unless the task has ended', () => {
  const clock = new ManualClock()
  const passed: string[] = []
  const told = { soft: (s: number) => passed.push(`soft ${s}`), hard: (s: number) => passed.push(`hard ${s}`) }
  const watch = watchLimits({ soft: 1, hard: 2 }, clock, told)
  clock.advance(999)
  expect(passed).toEqual([])
  clock.advance(1)
  expect(passed).toEqual(['soft 1'])
  watch.cancel()
  clock.advance(5_000)
  expect(passed).toEqual(['soft 1'])
})
