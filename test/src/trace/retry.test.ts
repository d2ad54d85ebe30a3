import { describe, expect, it } from 'vitest'
import { Ignore, Retry } from '../../../src/app/exceptions.ts'
import { taskMessage } from '../../../src/protocol/task-message.ts'
import { autoretry, nextAttempt } from '../../../src/trace/retry.ts'

const first = taskMessage({ task: 'tasks.flaky', id: 'a1', args: [7], replyTo: 'client', chain: [], headers: { x: 1 } })

describe('the next attempt', () => {
  it('is the same task under the same id, one retry later', () => {
    const next = nextAttempt(first, new Retry({ countdown: 2 }), {}, 1_000)
    expect(next).toEqual({
      inMs: 2_000,
      message: { ...first, retries: 1, eta: new Date(3_000), parentId: 'a1' },
    })
  })

  it('waits the default of the task, or three minutes', () => {
    expect(nextAttempt(first, new Retry(), { defaultRetryDelay: 5 }, 0)).toMatchObject({ inMs: 5_000 })
    expect(nextAttempt(first, new Retry(), {}, 0)).toMatchObject({ inMs: 180_000 })
  })

  it('may have other arguments', () => {
    const next = nextAttempt(first, new Retry({ args: [8], countdown: 0 }), {}, 0)
    expect(next).toMatchObject({ message: { args: [8], argsrepr: '(8,)' } })
  })

  it('comes three times, then the reason is what the task ends with', () => {
    const reason = new Error('not yet')
    const last = { ...first, retries: 3 }
    expect(nextAttempt(last, new Retry({ exc: reason }), {}, 0)).toEqual({ exceeded: reason })
    expect(nextAttempt(last, new Retry(), {}, 0)).toMatchObject({
      exceeded: { name: 'MaxRetriesExceededError', message: "Can't retry tasks.flaky[a1] args:(7,) kwargs:{}" },
    })
    expect(nextAttempt(last, new Retry({ maxRetries: 5 }), {}, 0)).toHaveProperty('message')
    expect(nextAttempt(last, new Retry(), { maxRetries: null }, 0)).toHaveProperty('message')
  })
})

describe('a retry by itself', () => {
  const countdown = (retries: number, options: object, random = () => 0.999) =>
    autoretry(new TypeError('no'), retries, { autoretryFor: [TypeError], ...options }, random)?.options.countdown

  it('comes after the errors that were named, and their subclasses', () => {
    class Unreachable extends TypeError {}
    const task = { autoretryFor: [TypeError], dontAutoretryFor: [Unreachable], retryKwargs: { maxRetries: 9 } }
    const thrown = new TypeError('no')
    expect(autoretry(thrown, 0, task)?.options).toEqual({ exc: thrown, maxRetries: 9 })
    expect(autoretry(new Unreachable('no'), 0, task)).toBeUndefined()
    expect(autoretry(new RangeError('no'), 0, task)).toBeUndefined()
    expect(autoretry(new RangeError('no'), 0, {})).toBeUndefined()
  })

  it('leaves alone what is no failure', () => {
    expect(autoretry(new Ignore(), 0, { autoretryFor: [Error] })).toBeUndefined()
    expect(autoretry(new Retry(), 0, { autoretryFor: [Error] })).toBeUndefined()
  })

  it('waits twice as long each time, up to a limit', () => {
    const options = { retryBackoff: true, retryJitter: false }
    expect([0, 1, 2, 3, 20].map((retries) => countdown(retries, options))).toEqual([1, 2, 4, 8, 600])
    expect([0, 1].map((retries) => countdown(retries, { ...options, retryBackoff: 5 }))).toEqual([5, 10])
    expect(countdown(9, { ...options, retryBackoffMax: 30 })).toBe(30)
    expect(countdown(3, {})).toBeUndefined()
  })

  it('with jitter waits anything up to that', () => {
    expect(countdown(3, { retryBackoff: true }, () => 0)).toBe(0)
    expect(countdown(3, { retryBackoff: true }, () => 0.999)).toBe(8)
  })
})
