import { beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/clock.ts'
import { silentLogger } from '../../../src/log.ts'
import { Autoscaler } from '../../../src/worker/autoscale.ts'

let clock: ManualClock
let load: number
let size: number
let scaler: Autoscaler

beforeEach(() => {
  clock = new ManualClock(1_000)
  load = 0
  size = 3
  const resize = (given: number) => {
    size = given
  }
  const target = { load: () => load, size: () => size, resize }
  scaler = new Autoscaler({ max: 10, min: 3 }, target, { clock, log: silentLogger })
})

function sizeUnder(given: number): number {
  load = given
  scaler.tick(clock.now())
  return size
}

describe('an autoscaled pool', () => {
  it('grows with its load, up to its maximum', () => {
    expect([0, 3, 5, 40].map(sizeUnder)).toEqual([3, 3, 5, 10])
  })

  it('shrinks when it has not grown for half a minute, down to its minimum', () => {
    sizeUnder(8)
    clock.advance(30_000)
    expect(sizeUnder(4)).toBe(8)
    clock.advance(1)
    expect(sizeUnder(4)).toBe(4)
    expect(sizeUnder(0)).toBe(3)
  })

  it('takes a new range at once', () => {
    sizeUnder(10)
    expect(scaler.update({ max: 6 })).toEqual({ max: 6, min: 3 })
    expect(size).toBe(6)
    scaler.update({ max: 20, min: 12 })
    expect(scaler.info()).toEqual({ max: 20, min: 12, current: 12, qty: 10 })
  })

  it('looks every second while it is started', async () => {
    await scaler.start()
    load = 7
    clock.advance(1_000)
    expect(size).toBe(7)
    await scaler.stop()
    load = 9
    clock.advance(5_000)
    expect(size).toBe(7)
  })
})
