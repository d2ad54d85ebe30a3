import { describe, expect } from 'vitest'
import { test } from './fixtures.ts'

const aborted = { error: 'EXECABORT Transaction discarded because of previous errors.' }

describe('a transaction', () => {
  test('runs its commands in one go', async ({ client, other }) => {
    expect(await client.pipeline([['MULTI'], ['INCR', 'n'], ['INCR', 'n']])).toEqual(['OK', 'QUEUED', 'QUEUED'])
    expect(await other.call('GET', 'n')).toBeNull()
    expect(await client.call('EXEC')).toEqual([1, 2])
  })

  test('goes on after a command that fails', async ({ client }) => {
    const requests = [['MULTI'], ['SET', 'text', 'x'], ['INCR', 'text'], ['GET', 'text'], ['EXEC']]
    expect((await client.pipeline(requests)).at(-1)).toEqual([
      'OK',
      { error: 'ERR value is not an integer or out of range' },
      'x',
    ])
  })

  test('is refused as a whole when a command could not be queued', async ({ client }) => {
    const requests = [['MULTI'], ['SET', 'key', 'x'], ['NONSENSE'], ['GET'], ['EXEC'], ['EXISTS', 'key']]
    expect((await client.pipeline(requests)).slice(-2)).toEqual([aborted, 0])
  })

  test('shows each reply as it was at its place', async ({ client }) => {
    const requests = [['MULTI'], ['HSET', 'h', 'f', 1], ['HGETALL', 'h'], ['DEL', 'h'], ['HGETALL', 'h'], ['EXEC']]
    expect((await client.pipeline(requests)).at(-1)).toEqual([1, ['f', '1'], 1, []])
  })

  test('can be thrown away', async ({ client }) => {
    expect(await client.pipeline([['MULTI'], ['SET', 'key', 'x'], ['DISCARD'], ['GET', 'key'], ['EXEC']])).toEqual([
      'OK',
      'QUEUED',
      'OK',
      null,
      { error: 'ERR EXEC without MULTI' },
    ])
  })

  test('changes the database on its way', async ({ client }) => {
    const requests = [
      ['MULTI'],
      ['SELECT', 1],
      ['SET', 'key', 'one'],
      ['EXEC'],
      ['GET', 'key'],
      ['SELECT', 0],
      ['GET', 'key'],
    ]
    expect((await client.pipeline(requests)).slice(3)).toEqual([['OK', 'OK'], 'one', 'OK', null])
  })

  test('does not nest, nor watch', async ({ client }) => {
    expect(await client.pipeline([['MULTI'], ['MULTI'], ['WATCH', 'key'], ['EXEC']])).toEqual([
      'OK',
      { error: 'ERR MULTI calls can not be nested' },
      { error: 'ERR WATCH inside MULTI is not allowed' },
      [],
    ])
  })
})

describe('a watched key', () => {
  const changes: Record<string, string[]> = {
    'is set': ['SET', 'key', 'changed'],
    'is deleted': ['DEL', 'key'],
    'gets a deadline': ['EXPIRE', 'key', '100'],
    'is renamed away': ['RENAME', 'key', 'elsewhere'],
    'is overwritten by a rename': ['RENAME', 'spare', 'key'],
    'is flushed': ['FLUSHALL'],
    'is swapped away': ['SWAPDB', '0', '1'],
  }
  for (const [change, command] of Object.entries(changes)) {
    test(`stops the transaction when it ${change}`, async ({ client, other }) => {
      await client.pipeline([
        ['MSET', 'key', 'x', 'spare', 'y'],
        ['WATCH', 'key'],
      ])
      await other.call(...command)
      expect((await client.pipeline([['MULTI'], ['PING'], ['EXEC']])).at(-1)).toBeUndefined()
      expect((await client.pipeline([['MULTI'], ['PING'], ['EXEC']])).at(-1)).toEqual(['PONG'])
    })
  }

  test('stops the transaction when it runs out, noticed or not', async ({ client, clock }) => {
    await client.pipeline([['SET', 'key', 'x', 'PX', 10], ['WATCH', 'key'], ['MULTI'], ['PING']])
    clock.advance(10)
    expect(await client.call('EXEC')).toBeUndefined()
  })

  test('matters in its own database only', async ({ client, other }) => {
    await client.call('WATCH', 'key')
    await other.pipeline([
      ['SELECT', 1],
      ['SET', 'key', 'x'],
    ])
    expect((await client.pipeline([['MULTI'], ['PING'], ['EXEC']])).at(-1)).toEqual(['PONG'])
  })

  test('is forgotten with UNWATCH, and with DISCARD', async ({ client, other }) => {
    await client.pipeline([['WATCH', 'key'], ['UNWATCH'], ['WATCH', 'key'], ['MULTI'], ['DISCARD']])
    await other.call('SET', 'key', 'x')
    expect((await client.pipeline([['MULTI'], ['PING'], ['EXEC']])).at(-1)).toEqual(['PONG'])
  })

  test('stays as it was when a command changes nothing', async ({ client, other }) => {
    await client.pipeline([
      ['SADD', 'set', 'a'],
      ['WATCH', 'set', 'missing'],
    ])
    await other.pipeline([
      ['SADD', 'set', 'a'],
      ['SREM', 'set', 'b'],
      ['DEL', 'missing'],
      ['HDEL', 'missing', 'f'],
    ])
    expect((await client.pipeline([['MULTI'], ['PING'], ['EXEC']])).at(-1)).toEqual(['PONG'])
  })
})
