import { describe, expect } from 'vitest'
import { test } from './fixtures.ts'

describe('publish and subscribe', () => {
  test('delivers to channels and to patterns, and counts receivers', async ({ client, other }) => {
    client.send('SUBSCRIBE news\r\nPSUBSCRIBE n*s\r\n')
    expect([await client.next(), await client.next()]).toEqual([
      ['subscribe', 'news', 1],
      ['psubscribe', 'n*s', 2],
    ])
    expect(await other.call('PUBLISH', 'news', 'hello')).toBe(2)
    expect([await client.next(), await client.next()]).toEqual([
      ['message', 'news', 'hello'],
      ['pmessage', 'n*s', 'news', 'hello'],
    ])
    expect(await other.call('PUBLISH', 'weather', 'rain')).toBe(0)
  })

  test('confirms each name, and says so when there was none', async ({ client }) => {
    client.send('SUBSCRIBE a b\r\nUNSUBSCRIBE\r\nPUNSUBSCRIBE\r\n')
    const replies = [
      await client.next(),
      await client.next(),
      await client.next(),
      await client.next(),
      await client.next(),
    ]
    expect(replies).toEqual([
      ['subscribe', 'a', 1],
      ['subscribe', 'b', 2],
      ['unsubscribe', 'a', 1],
      ['unsubscribe', 'b', 0],
      ['punsubscribe', null, 0],
    ])
  })

  test('leaves a RESP2 subscriber little else to do', async ({ client }) => {
    await client.call('SUBSCRIBE', 'news')
    expect(await client.call('GET', 'key')).toEqual({
      error:
        "ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
    })
    expect(await client.call('PING')).toEqual(['pong', ''])
    expect(await client.call('UNSUBSCRIBE', 'news')).toEqual(['unsubscribe', 'news', 0])
    expect(await client.call('GET', 'key')).toBeNull()
  })

  test('lets a RESP3 subscriber do everything; messages come out of band', async ({ client, other }) => {
    await client.call('HELLO', 3)
    expect(await client.call('SUBSCRIBE', 'news')).toEqual({ push: ['subscribe', 'news', 1] })
    expect(await client.call('SET', 'key', 'x')).toBe('OK')
    await other.call('PUBLISH', 'news', 'hello')
    expect(await client.next()).toEqual({ push: ['message', 'news', 'hello'] })
  })

  test('tells who listens to what', async ({ client, other }) => {
    client.send('SUBSCRIBE one two\r\nPSUBSCRIBE x* y*\r\n')
    for (let confirmations = 0; confirmations < 4; confirmations++) await client.next()
    expect(await other.call('PUBSUB', 'CHANNELS', 't*')).toEqual(['two'])
    expect(await other.call('PUBSUB', 'NUMSUB', 'one', 'three')).toEqual(['one', 1, 'three', 0])
    expect(await other.call('PUBSUB', 'NUMPAT')).toBe(2)
  })

  test('forgets a client that hangs up', async ({ client, other }) => {
    await client.call('SUBSCRIBE', 'news')
    client.send('QUIT\r\n')
    await client.closed()
    expect(await other.call('PUBLISH', 'news', 'hello')).toBe(0)
    expect(await other.call('PUBSUB', 'CHANNELS')).toEqual([])
  })
})
