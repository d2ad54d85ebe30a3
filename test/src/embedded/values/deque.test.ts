import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Deque } from '../../../../src/embedded/values/deque.ts'

describe('a deque', () => {
  it('behaves like an array, whatever is pushed and popped', () => {
    const step = fc.record({ end: fc.constantFrom('left', 'right'), item: fc.option(fc.string(), { freq: 3 }) })
    fc.assert(
      fc.property(fc.array(step, { size: 'max', maxLength: 300 }), (steps) => {
        const deque = new Deque()
        const array: string[] = []
        for (const { end, item } of steps) {
          if (item !== null) {
            deque.push(end, item)
            end === 'left' ? array.unshift(item) : array.push(item)
          } else expect(deque.pop(end)).toBe(end === 'left' ? array.shift() : array.pop())
          expect(deque.size).toBe(array.length)
        }
        expect(deque.slice()).toEqual(array)
        expect(array.map((_, index) => deque.at(index))).toEqual(array)
      }),
    )
  })

  it('has nothing beyond its ends', () => {
    const deque = Deque.from(['a', 'b', 'c'])
    expect([deque.at(-1), deque.at(0), deque.at(2), deque.at(3)]).toEqual([undefined, 'a', 'c', undefined])
    expect(deque.slice(1, 3)).toEqual(['b', 'c'])
  })

  it('replaces an item in place', () => {
    const deque = Deque.from(['a', 'b'])
    deque.push('left', 'z')
    deque.set(0, 'Z')
    expect(deque.slice()).toEqual(['Z', 'a', 'b'])
  })
})
