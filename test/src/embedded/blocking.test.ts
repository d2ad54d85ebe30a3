import { describe, expect } from 'vitest'
import { blocked, test } from './fixtures.ts'

describe('a blocking command', () => {
  test('answers as soon as somebody pushes', async ({ client, other }) => {
    const item = client.call('BLPOP', 'queue', 0)
    await blocked(other, 1)
    expect(await other.call('RPUSH', 'queue', 'a')).toBe(1)
    expect(await item).toEqual(['queue', 'a'])
    expect(await other.call('EXISTS', 'queue')).toBe(0)
  })

  test('serves whoever waits longest', async ({ client, connect }) => {
    const waiters = [await connect(), await connect(), await connect()]
    const items: Promise<unknown>[] = []
    for (const [index, waiter] of waiters.entries()) {
      items.push(waiter.call('BRPOP', 'queue', 0))
      await blocked(client, index + 1)
    }
    await client.call('LPUSH', 'queue', 'first', 'second', 'third')
    expect(await Promise.all(items)).toEqual([
      ['queue', 'first'],
      ['queue', 'second'],
      ['queue', 'third'],
    ])
  })

  test('takes from the key that was filled first', async ({ client, other }) => {
    const item = client.call('BLPOP', 'one', 'two', 0)
    await blocked(other, 1)
    await other.pipeline([['MULTI'], ['LPUSH', 'two', 'b'], ['LPUSH', 'one', 'a'], ['EXEC']])
    expect(await item).toEqual(['two', 'b'])
    expect(await other.call('LRANGE', 'one', 0, -1)).toEqual(['a'])
  })

  test('gives up when its time is over, to the millisecond', async ({ client, other, clock }) => {
    const item = client.call('BLPOP', 'queue', '1.5')
    await blocked(other, 1)
    clock.advance(1499)
    await blocked(other, 1)
    clock.advance(1)
    expect(await item).toBeUndefined()
    await blocked(other, 0)
  })

  test('leaves items alone after its client hung up', async ({ client, other }) => {
    void client.call('BLPOP', 'queue', 0)
    await blocked(other, 1)
    client.close()
    await blocked(other, 0)
    await other.call('RPUSH', 'queue', 'a')
    expect(await other.call('LLEN', 'queue')).toBe(1)
  })

  test('does not block in a transaction', async ({ client }) => {
    const requests = [['MULTI'], ['BLPOP', 'queue', 0], ['BLMOVE', 'queue', 'queue', 'LEFT', 'LEFT', 0], ['EXEC']]
    expect((await client.pipeline(requests)).at(-1)).toEqual([undefined, null])
  })

  test('keeps the requests behind it waiting', async ({ client, other }) => {
    const replies = client.pipeline([
      ['BLPOP', 'queue', 0],
      ['SET', 'after', 'yes'],
      ['GET', 'after'],
    ])
    await blocked(other, 1)
    expect(await other.call('GET', 'after')).toBeNull()
    await other.call('LPUSH', 'queue', 'a')
    expect(await replies).toEqual([['queue', 'a'], 'OK', 'yes'])
  })

  test('is woken by a list that arrives under another name', async ({ client, other }) => {
    const item = client.call('BLPOP', 'queue', 0)
    await blocked(other, 1)
    await other.pipeline([
      ['LPUSH', 'draft', 'a'],
      ['RENAME', 'draft', 'queue'],
    ])
    expect(await item).toEqual(['queue', 'a'])
  })

  test('sleeps on when what arrives is no list', async ({ client, other }) => {
    const item = client.call('BLPOP', 'queue', 0)
    await blocked(other, 1)
    await other.pipeline([['MULTI'], ['LPUSH', 'queue', 'a'], ['DEL', 'queue'], ['SET', 'queue', 'text'], ['EXEC']])
    await blocked(other, 1)
    await other.pipeline([
      ['DEL', 'queue'],
      ['LPUSH', 'queue', 'b'],
    ])
    expect(await item).toEqual(['queue', 'b'])
  })

  test('passes an item on to whoever waits at its destination', async ({ client, other, connect }) => {
    const last = await connect()
    const moved = client.call('BLMOVE', 'a', 'b', 'LEFT', 'RIGHT', 0)
    const popped = other.call('BLPOP', 'b', 0)
    await blocked(last, 2)
    await last.call('RPUSH', 'a', 'item')
    expect(await Promise.all([moved, popped])).toEqual(['item', ['b', 'item']])
  })

  test('fails without taking anything when the destination is no list', async ({ client, other }) => {
    const moved = client.call('BLMOVE', 'a', 'text', 'LEFT', 'RIGHT', 0)
    await blocked(other, 1)
    await other.pipeline([
      ['SET', 'text', 'x'],
      ['RPUSH', 'a', 'item'],
    ])
    expect(await moved).toEqual({ error: expect.stringContaining('WRONGTYPE') })
    expect(await other.call('LLEN', 'a')).toBe(1)
  })

  test('moving a list onto itself is a doorbell: each waiter hears it once and the list stays', async ({
    client,
    connect,
  }) => {
    const waiters = [await connect(), await connect()]
    const rings = waiters.map((waiter) => waiter.call('BLMOVE', 'bell', 'bell', 'RIGHT', 'RIGHT', 0))
    await blocked(client, 2)
    await client.call('LPUSH', 'bell', 'a')
    expect(await Promise.all(rings)).toEqual(['a', 'a'])
    expect(await client.call('LRANGE', 'bell', 0, -1)).toEqual(['a'])
    await blocked(client, 0)
  })

  test('can be ended by another client', async ({ client, other }) => {
    const id = await client.call('CLIENT', 'ID')
    const popped = client.call('BLPOP', 'queue', 0)
    await blocked(other, 1)
    expect(await other.call('CLIENT', 'UNBLOCK', Number(id))).toBe(1)
    expect(await popped).toBeUndefined()
    expect(await other.call('CLIENT', 'UNBLOCK', Number(id))).toBe(0)
  })
})
