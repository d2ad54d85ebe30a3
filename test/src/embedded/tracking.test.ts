import { describe, expect } from 'vitest'
import { test } from './fixtures.ts'

describe('tracking', () => {
  test('tells another client once when a key changes that was read', async ({ client, other, connect }) => {
    const listener = await connect()
    const id = await listener.call('CLIENT', 'ID')
    await listener.call('SUBSCRIBE', '__redis__:invalidate')
    expect(await client.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id))).toBe('OK')
    await client.call('LLEN', 'queue')
    await other.call('LPUSH', 'unread', 'x')
    await other.call('LPUSH', 'queue', 'x')
    await other.call('LPUSH', 'queue', 'y')
    await other.call('PUBLISH', '__redis__:invalidate', 'so far')
    expect([await listener.next(), await listener.next()]).toEqual([
      ['message', '__redis__:invalidate', ['queue']],
      ['message', '__redis__:invalidate', 'so far'],
    ])
    await client.call('LLEN', 'queue')
    await client.call('CLIENT', 'TRACKING', 'OFF')
    await other.call('DEL', 'queue')
    await other.call('PUBLISH', '__redis__:invalidate', 'the end')
    expect(await listener.next()).toEqual(['message', '__redis__:invalidate', 'the end'])
  })

  test('needs a client to tell', async ({ client }) => {
    expect(await client.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', '999')).toEqual({
      error: 'ERR The client ID you want redirect to does not exist',
    })
    expect(await client.call('CLIENT', 'TRACKING', 'ON')).toEqual({ error: expect.stringContaining('give REDIRECT') })
    expect(await client.call('CLIENT', 'TRACKING', 'PERHAPS')).toEqual({ error: 'ERR syntax error' })
  })
})
