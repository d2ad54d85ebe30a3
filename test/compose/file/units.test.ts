import { describe, expect, it } from 'vitest'
import { formatDuration, formatNumber, parseBytes, parseDuration, roundToFloat32 } from '../../../compose/file/units.ts'

describe('durations', () => {
  it.each([
    ['90s', '1m30s'],
    ['1.5h', '1h30m0s'],
    ['1d', '24h0m0s'],
    ['500ms', '500ms'],
    ['1500us', '1.5ms'],
    ['1m30s500ms', '1m30.5s'],
    ['0', '0s'],
    ['100ns', '100ns'],
  ])('prints %s as Go does: %s', (written, printed) => {
    expect(formatDuration(parseDuration(written) ?? Number.NaN)).toBe(printed)
  })

  it.each(['', '5', 's', '5x', '1h 2m', 'forever'])('knows that %j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })
})

describe('sizes', () => {
  it.each([
    ['64mb', 67108864],
    ['1.5g', 1610612736],
    ['10', 10],
    ['1 KiB', 1024],
    ['-1', -1],
  ])('reads %s', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes)
  })

  it.each(['', 'mb', '1x', '1.2.3g'])('knows that %j is none', (text) => {
    expect(parseBytes(text)).toBeUndefined()
  })
})

describe('numbers', () => {
  it('have the digits of a 32-bit float', () => {
    expect([0.1, 0.3333333333, 1.25, 2, 0.7].map(roundToFloat32)).toEqual([0.1, 0.33333334, 1.25, 2, 0.7])
  })

  it('are printed as Go prints them', () => {
    expect([1, 1.5, 0.000001, 1e21, 123456.789, Number.POSITIVE_INFINITY].map(formatNumber)).toEqual([
      '1',
      '1.5',
      '1e-06',
      '1e+21',
      '123456.789',
      '+Inf',
    ])
  })
})
