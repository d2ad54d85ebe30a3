import { describe, expect, it } from 'vitest'
import { Channel } from '../../compose/channel.ts'

describe('a channel', () => {
  it('hands over values in order, also those written before anyone reads', async () => {
    const channel = new Channel<number>()
    void channel.push(1)
    void channel.push(2)
    const reader = channel[Symbol.asyncIterator]()
    expect([(await reader.next()).value, (await reader.next()).value]).toEqual([1, 2])
    const third = reader.next()
    void channel.push(3)
    expect((await third).value).toBe(3)
    channel.close()
    expect((await reader.next()).done).toBe(true)
  })

  it('gives what is there before it ends with an error', async () => {
    const channel = new Channel<number>()
    void channel.push(1)
    channel.close(new Error('broken'))
    const seen: number[] = []
    const read = async () => {
      for await (const value of channel) seen.push(value)
    }
    await expect(read()).rejects.toThrow('broken')
    expect(seen).toEqual([1])
  })

  it('holds writers back when it is full, and lets them go when the reader leaves', async () => {
    const channel = new Channel<number>(2)
    await channel.push(1)
    let isThrough = false
    const second = channel.push(2).then(() => {
      isThrough = true
    })
    await Promise.resolve()
    expect(isThrough).toBe(false)
    expect(await channel.next()).toBe(1)
    await second
    expect(isThrough).toBe(true)
    const blocked = channel.push(3)
    for await (const _ of channel) break
    await blocked
  })
})
