import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fnmatch } from '../../src/fnmatch.ts'

describe('a pattern', () => {
  const cases: [pattern: string, matching: string[], other: string[]][] = [
    ['feeds.*', ['feeds.', 'feeds.import', 'feeds.a\nb'], ['feeds', 'feedsximport']],
    ['w?', ['w1', 'w💎'], ['w', 'w12']],
    ['w[12]@*', ['w1@host', 'w2@'], ['w3@host']],
    ['w[!12]', ['w3'], ['w1']],
    ['w[0-3]', ['w0', 'w3'], ['w4', 'w-']],
    ['w[a-c-e]', ['wb', 'w-', 'we'], ['wd']],
    ['w[-a]', ['w-', 'wa'], ['wb']],
    ['w[]a]', ['w]', 'wa'], ['w']],
    ['w[!]a]', ['wb'], ['w]']],
    ['w[^a]', ['w^', 'wa'], ['wb']],
    ['w[z-a]', [], ['wz', 'wm', 'w[z-a]']],
    ['w[!z-a]', ['wz', 'w-'], ['w']],
    ['w[z-ab]', ['wb'], ['wa', 'wz']],
    ['w[a', ['w[a'], ['wa']],
    ['w[]', ['w[]'], ['w']],
    ['w[\\]', ['w\\'], ['w]']],
    ['a.b+(c)', ['a.b+(c)'], ['axb+(c)']],
  ]
  for (const [pattern, matching, other] of cases) {
    it(`${pattern} matches what Python says it does`, () => {
      expect([...matching, ...other].filter(fnmatch(pattern))).toEqual(matching)
    })
  }

  it('is never a mistake', () => {
    const anything = fc.string({ unit: fc.constantFrom(...'ab*?[]!-^\\💎') })
    fc.assert(fc.property(anything, anything, (pattern, text) => typeof fnmatch(pattern)(text) === 'boolean'))
  })

  it('with many stars takes no longer than its length times the text', () => {
    const started = performance.now()
    expect(fnmatch(`${'a*'.repeat(50)}b`)('a'.repeat(5000))).toBe(false)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})
