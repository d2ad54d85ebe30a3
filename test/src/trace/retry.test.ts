import { describe, expect, it } from 'vitest'
import { Retry } from '../../../src/app/exceptions.ts'
import { taskMessage } from '../../../src/protocol/task-message.ts'
import { nextAttempt } from '../../../src/trace/retry.ts'

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
