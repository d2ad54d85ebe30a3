import { describe, expect, it } from 'vitest'
import { addDecimals } from '../../../src/embedded/decimal.ts'

describe('adding decimals', () => {
  const sums: [string, string, string][] = [
    ['0.1', '0.2', '0.3'],
    ['10.5', '0.1', '10.6'],
    ['5.0e3', '200', '5200'],
    ['1', '-1', '0'],
    ['-0.5', '0.25', '-0.25'],
    ['.5', '1.', '1.5'],
    ['3', '1.00000000000000001', '4.00000000000000001'],
    ['100000000000000000000', '1', '100000000000000000001'],
  ]
  for (const [value, increment, sum] of sums) {
    it(`${value} + ${increment} is ${sum}`, () => expect(addDecimals(value, increment)).toBe(sum))
  }

  for (const word of ['', ' 1', '1 ', 'x', '1e', '0x10', '1e99999', 'nan', '.', '--1']) {
    it(`refuses ${JSON.stringify(word)}`, () => {
      expect(() => addDecimals(word, '1')).toThrow('ERR value is not a valid float')
      expect(() => addDecimals('1', word)).toThrow('ERR value is not a valid float')
    })
  }

  it('has no room for infinity', () => {
    expect(() => addDecimals('1', '-inf')).toThrow('ERR increment would produce NaN or Infinity')
  })
})
