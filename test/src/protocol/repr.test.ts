import { describe, expect, it } from 'vitest'
import { repr, reprArgs } from '../../../src/protocol/repr.ts'

describe('repr', () => {
  it.each([
    [null, 'None'],
    [true, 'True'],
    [2, '2'],
    [2.5, '2.5'],
    [1e-7, '1e-07'],
    [Number.NaN, 'nan'],
    ['x', "'x'"],
    ["it's", '"it\'s"'],
    [`it's "so"`, `'it\\'s "so"'`],
    ['a\nb\x1b[2J', "'a\\nb\\x1b[2J'"],
    ['smörgås 🥬', "'smörgås 🥬'"],
    [[1, [2, 'x']], "[1, [2, 'x']]"],
    [{ z: 1, 'a b': null }, "{'z': 1, 'a b': None}"],
    [new Uint8Array([97, 0]), "b'a\\x00'"],
    [new Date('2024-01-02T03:04:05Z'), 'datetime.datetime(2024, 1, 2, 3, 4, 5, 0, tzinfo=datetime.timezone.utc)'],
  ])('of %j is Python’s', (value, text) => {
    expect(repr(value)).toBe(text)
  })

  it('shows arguments as a tuple', () => {
    expect([reprArgs([]), reprArgs([30]), reprArgs([2, 3])]).toEqual(['()', '(30,)', '(2, 3)'])
  })

  it('is cut at its limit, however large the value', () => {
    expect(repr('x'.repeat(5000))).toHaveLength(1024)
    expect(reprArgs(Array(1000).fill('long'))).toHaveLength(1024)
  })
})
