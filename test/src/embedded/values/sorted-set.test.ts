import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SortedSet } from '../../../../src/embedded/values/sorted-set.ts'

describe('a sorted set', () => {
  it('keeps its members by score, then by bytes, whatever is added, moved and removed', () => {
    const member = fc.integer({ min: 0, max: 1500 }).map((n) => `member ${n}`)
    const step = fc.tuple(member, fc.option(fc.integer({ min: -5, max: 50 }), { freq: 4 }))
    fc.assert(
      fc.property(fc.array(step, { size: 'max', maxLength: 2000 }), (steps) => {
        const set = new SortedSet()
        const model = new Map<string, number>()
        for (const [name, score] of steps) {
          if (score === null) expect(set.delete(name)).toBe(model.delete(name))
          else {
            set.set(name, score)
            model.set(name, score)
          }
        }
        const entries = [...model].map(([name, score]) => ({ member: name, score }))
        entries.sort((a, b) => a.score - b.score || (a.member < b.member ? -1 : 1))
        expect(set.slice()).toEqual(entries)
        expect(set.slice(3, 700)).toEqual(entries.slice(3, 700))
        expect(entries.map((entry) => set.rank(entry.member))).toEqual(entries.map((_, rank) => rank))
        expect(set.count(({ score }) => score < 20)).toBe(entries.filter(({ score }) => score < 20).length)
      }),
      { numRuns: 15 },
    )
  })

  it('knows no score and no rank of strangers', () => {
    const set = SortedSet.from([{ member: 'a', score: 1 }])
    expect([set.score('a'), set.rank('a'), set.score('b'), set.rank('b')]).toEqual([1, 0, undefined, undefined])
    expect([set.delete('b'), set.delete('a'), set.size]).toEqual([false, true, 0])
  })
})
