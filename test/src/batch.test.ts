import { describe, expect, it } from 'vitest'
import { batched } from '../../src/batch.ts'

describe('what is asked for in one turn', () => {
  it('is asked in one go, and everyone gets their own', async () => {
    const asked: (readonly string[])[] = []
    const get = batched(async (keys: readonly string[]) => {
      asked.push(keys)
      return keys.map((key) => key.toUpperCase())
    })
    expect(await Promise.all([get('a'), get('b'), get('a')])).toEqual(['A', 'B', 'A'])
    expect(await get('c')).toBe('C')
    expect(asked).toEqual([['a', 'b', 'a'], ['c']])
  })

  it('goes in several when it is much', async () => {
    const sizes: number[] = []
    const get = batched(async (keys: readonly number[]) => {
      sizes.push(keys.length)
      return keys
    }, 4)
    const keys = Array.from({ length: 10 }, (_, index) => index)
    expect(await Promise.all(keys.map(get))).toEqual(keys)
    expect(sizes).toEqual([4, 4, 2])
  })

  it('fails for those who asked together, and for nobody else', async () => {
    const get = batched(async (keys: readonly string[]) => {
      if (keys.includes('bad')) throw new Error('no')
      return keys
    })
    await expect(Promise.allSettled([get('good'), get('bad')])).resolves.toEqual([
      expect.objectContaining({ status: 'rejected' }),
      expect.objectContaining({ status: 'rejected' }),
    ])
    expect(await get('good')).toBe('good')
  })
})
