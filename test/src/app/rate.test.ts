import { describe, expect, it } from 'vitest'
import { parseRate } from '../../../src/app/rate.ts'

describe('a rate', () => {
  it.each([
    ['10/s', 10],
    ['120/m', 2],
    ['1/h', 1 / 3600],
    ['5', 5],
    [7, 7],
    ['0.5/s', 0.5],
    [null, 0],
    [undefined, 0],
    ['0', 0],
  ])('of %j is %d a second', (rate, perSecond) => expect(parseRate(rate)).toBe(perSecond))

  it.each(['fast', '10/d', '-1/s', ''])('of %j is refused, with the ways to write one', (rate) => {
    expect(() => parseRate(rate)).toThrow(`${JSON.stringify(rate)} is no rate limit`)
  })
})
