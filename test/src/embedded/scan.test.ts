import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scanPage } from '../../../src/embedded/scan.ts'

describe('a scan', () => {
  it('sees what stays exactly once, whatever comes and goes meanwhile', () => {
    const names = fc.uniqueArray(fc.string(), { maxLength: 300 })
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 50 }), fc.infiniteStream(fc.string()), (staying, count, passing) => {
        const seen: string[] = []
        const present = new Set(staying)
        let cursor = 0
        do {
          const page = scanPage(present, present.size, cursor, count)
          seen.push(...page.names)
          cursor = page.cursor
          for (const name of present) if (!staying.includes(name)) present.delete(name)
          for (const name of passing.take(20)) present.add(name)
        } while (cursor !== 0)
        expect(seen.filter((name) => staying.includes(name)).sort()).toEqual([...staying].sort())
      }),
    )
  })

  it('shows a small collection in one page', () => {
    expect(scanPage(['a', 'b', 'c'], 3, 0, 10)).toEqual({ cursor: 0, names: ['a', 'b', 'c'] })
    expect(scanPage([], 0, 0, 10)).toEqual({ cursor: 0, names: [] })
  })

  it('of a large collection takes a hundred pages at most, none of them huge', () => {
    const names = Array.from({ length: 5000 }, (_, index) => `celery-task-meta-${index}`)
    const sizes: number[] = []
    let cursor = 0
    do {
      const page = scanPage(names, names.length, cursor, 10)
      sizes.push(page.names.length)
      cursor = page.cursor
    } while (cursor !== 0)
    expect(sizes.length).toBeLessThanOrEqual(100)
    expect(Math.max(...sizes)).toBeLessThan(150)
  })
})
