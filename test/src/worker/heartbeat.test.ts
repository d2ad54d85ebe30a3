import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/clock.ts'
import { LamportClock } from '../../../src/protocol/lamport.ts'
import { Heartbeat } from '../../../src/worker/heartbeat.ts'
import { Revoked, RevokedStamps } from '../../../src/worker/revoked.ts'
import { WorkerState } from '../../../src/worker/state.ts'
import { Vitals } from '../../../src/worker/vitals.ts'

function setUp() {
  const clock = new ManualClock(5_000)
  const lamport = new LamportClock()
  const sent: [type: string, fields: Record<string, unknown>][] = []
  const events = {
    hostname: 'w1@test',
    send(type: string, fields = {}) {
      lamport.forward()
      sent.push([type, fields])
    },
    flush: async () => {},
  }
  const state = new WorkerState(new Revoked(clock), new RevokedStamps(clock))
  const heartbeat = new Heartbeat({ events, state, clock, lamport, intervalMs: 3_000 })
  return { clock, lamport, sent, state, heartbeat }
}

describe('a heartbeat', () => {
  it('is sent when the worker comes, at its interval, and when it goes', async () => {
    const { clock, sent, heartbeat } = setUp()
    await heartbeat.start()
    clock.advance(6_500)
    await heartbeat.stop()
    clock.advance(9_000)
    expect(sent.map(([type]) => type)).toEqual([
      ...['worker-online', 'worker-heartbeat', 'worker-heartbeat', 'worker-offline'],
    ])
    expect(sent[0]?.[1]).toMatchObject({ freq: 3, active: 0, processed: 0, sw_ident: 'celery-sandbox' })
  })

  it('leaves for who stands in what it would tell, and takes over how far that has counted', async () => {
    const { clock, lamport, state, heartbeat } = setUp()
    await heartbeat.start()
    state.processed = 7
    state.onChange()
    const seen = new Vitals(heartbeat.vitals.memory)
    expect([seen.beatAt, seen.active, seen.processed, seen.clock]).toEqual([5_000, 0, 7, lamport.value])
    seen.clock = 90
    clock.advance(3_000)
    expect(seen.beatAt).toBe(8_000)
    expect(lamport.value).toBeGreaterThan(90)
    await heartbeat.stop()
  })
})
