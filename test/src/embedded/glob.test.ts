import { describe, expect, it } from 'vitest'
import { glob } from '../../../src/embedded/glob.ts'

describe('a pattern', () => {
  const cases: [pattern: string, matching: string[], other: string[]][] = [
    ['h?llo', ['hello', 'hallo', 'h\nllo'], ['hllo', 'heello']],
    ['h*llo', ['hllo', 'heeeello'], ['hell']],
    ['*', ['', 'anything'], []],
    ['*.*.c', ['a.b.c', '..c', 'a.b.b.c'], ['a.c']],
    ['h[ae]llo', ['hello', 'hallo'], ['hillo']],
    ['h[^e]llo', ['hallo'], ['hello']],
    ['h[a-c]llo', ['hallo', 'hcllo'], ['hdllo']],
    ['h[c-a]llo', ['hbllo'], ['hdllo']],
    ['[\\]]', [']'], ['\\']],
    ['h\\*llo', ['h*llo'], ['hello']],
    ['tail\\', ['tail\\'], ['tail']],
    ['open[ab', ['opena', 'openb'], ['open', 'openc']],
    ['[]x', [], ['x', ']x']],
    ['/0.celeryev/worker.*', ['/0.celeryev/worker.heartbeat'], ['/0.celeryev/task.sent']],
  ]
  for (const [pattern, matching, other] of cases) {
    it(`${pattern} matches what Redis says it does`, () => {
      expect([...matching, ...other].filter(glob(pattern))).toEqual(matching)
    })
  }

  it('with many stars takes no longer than its length times the text', () => {
    const started = performance.now()
    expect(glob(`${'a*'.repeat(50)}b`)('a'.repeat(5000))).toBe(false)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})
