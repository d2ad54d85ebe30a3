import { expect, it } from 'vitest'
import { LamportClock } from '../../../src/protocol/lamport.ts'

it('a clock catches up with others, and never with nonsense', () => {
  const clock = new LamportClock()
  expect([clock.forward(), clock.adjust(10), clock.adjust(3)]).toEqual([1, 11, 12])
  for (const nonsense of [1e308, Number.NaN, 1.5, Number.POSITIVE_INFINITY]) clock.adjust(nonsense)
  expect(clock.forward()).toBe(13)
})
