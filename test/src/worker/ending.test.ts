import { describe, expect, it } from 'vitest'
import { configure } from '../../../src/app/config/configure.ts'
import type { Message } from '../../../src/protocol/message.ts'
import type { Outcome } from '../../../src/trace/outcome.ts'
import { type AckRules, ackRules, endingOf, redelivery, settlement } from '../../../src/worker/ending.ts'

const rules = (given: Partial<AckRules> = {}) => ({ ...ackRules({}, configure({}, {})), ...given })
const late = { acksLate: true, rejectOnWorkerLost: true, deliveryLimit: 2 }

const message: Message = {
  headers: { id: 'a1' },
  properties: { deliveryMode: 2, priority: 0 },
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  body: new Uint8Array(),
}

describe('a task that told its end', () => {
  const failed = { state: 'FAILURE', error: { info: {}, traceback: '' } } as unknown as Outcome

  it.each<[string, Outcome, Partial<AckRules>, string]>([
    ['is acknowledged', { state: 'IGNORED' }, {}, 'ack'],
    ['that it failed is acknowledged', failed, {}, 'ack'],
    ['that it failed is rejected if it shall be', failed, { acksOnFailureOrTimeout: false }, 'reject'],
    ['that it rejects is rejected', { state: 'REJECTED', requeue: false, reason: '' }, {}, 'reject'],
    ['that it rejects goes back if it says so', { state: 'REJECTED', requeue: true, reason: '' }, {}, 'requeue'],
  ])('%s', (_, outcome, given, expected) => {
    expect(settlement(outcome, rules(given))).toBe(expected)
  })
})

describe('a task that was ended', () => {
  const end = (given: Partial<AckRules>, raw = message, because?: 'shutdown') =>
    endingOf('exitcode 1', because && { because }, rules(given), raw)

  it('has failed when its child died', () => {
    expect(end({})).toMatchObject({ do: 'fail', error: { message: 'Worker exited prematurely: exitcode 1.' } })
    expect(end({ acksLate: true })).toMatchObject({ do: 'fail' })
    expect(end({ rejectOnWorkerLost: true })).toMatchObject({ do: 'fail' })
  })

  it('is delivered again if its options say so, until that has been often enough', () => {
    expect(end(late)).toEqual({ do: 'redeliver', deliveries: 1 })
    expect(end(late, redelivery(message, 1))).toMatchObject({ do: 'bury', error: { name: 'WorkerLostError' } })
  })

  it('has failed with its limit, or was revoked, whatever the rules', () => {
    const limit = { because: 'time-limit', seconds: 3 } as const
    expect(endingOf('', limit, rules(late), message)).toMatchObject({ do: 'fail', error: { excArgs: [3] } })
    expect(endingOf('', { because: 'revoked', signum: 9 }, rules(late), message)).toEqual({ do: 'revoke', signum: 9 })
  })

  it('is given back by a worker that goes, unless its message is acknowledged already', () => {
    expect(end(late, message, 'shutdown')).toEqual({ do: 'giveBack' })
    expect(end({}, message, 'shutdown')).toMatchObject({ do: 'fail', error: { name: 'WorkerLostError' } })
  })
})
