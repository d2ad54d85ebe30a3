import { describe, expect } from 'vitest'
import { test } from './fixtures.ts'

describe('a key with a deadline', () => {
  test('is there until its time and gone from then on', async ({ client, clock }) => {
    await client.call('SET', 'key', 'value', 'PX', 100)
    clock.advance(99)
    expect(await client.call('PTTL', 'key')).toBe(1)
    clock.advance(1)
    expect(
      await client.pipeline([
        ['GET', 'key'],
        ['TTL', 'key'],
        ['EXISTS', 'key'],
      ]),
    ).toEqual([null, -2, 0])
  })

  test('goes even when nobody looks', async ({ client, clock }) => {
    await client.pipeline(Array.from({ length: 1000 }, (_, n) => ['SET', `key${n}`, 'value', 'EX', 1]))
    await client.call('SET', 'other', 'value', 'EX', 60)
    clock.advance(2000)
    expect(await client.call('DBSIZE')).toBe(1)
    expect(await client.call('INFO', 'stats')).toContain('expired_keys:1000')
  })

  test('starts afresh after its end: what was stored before is not found again', async ({ client, clock }) => {
    await client.pipeline([
      ['RPUSH', 'list', 'old'],
      ['PEXPIRE', 'list', 100],
    ])
    clock.advance(100)
    expect(
      await client.pipeline([
        ['RPUSH', 'list', 'new'],
        ['LRANGE', 'list', 0, -1],
        ['TTL', 'list'],
      ]),
    ).toEqual([1, ['new'], -1])
  })

  test('loses the deadline when the value is replaced, and keeps it when the value is changed', async ({ client }) => {
    await client.pipeline([
      ['SET', 'a', '1', 'EX', 100],
      ['SET', 'b', '1', 'EX', 100],
    ])
    await client.pipeline([
      ['SET', 'a', '2'],
      ['INCR', 'b'],
    ])
    expect(
      await client.pipeline([
        ['TTL', 'a'],
        ['TTL', 'b'],
      ]),
    ).toEqual([-1, 100])
  })

  test('takes the deadline along when it is renamed or copied', async ({ client }) => {
    await client.pipeline([
      ['SET', 'a', '1', 'EX', 100],
      ['COPY', 'a', 'b'],
      ['RENAME', 'a', 'c'],
    ])
    expect(
      await client.pipeline([
        ['TTL', 'b'],
        ['TTL', 'c'],
      ]),
    ).toEqual([100, 100])
  })

  test('is not listed once its time is over', async ({ client, clock }) => {
    await client.pipeline([
      ['SET', 'gone', '1', 'PX', 10],
      ['SET', 'here', '1'],
    ])
    clock.advance(10)
    expect(await client.pipeline([['KEYS', '*'], ['SCAN', 0], ['RANDOMKEY']])).toEqual([
      ['here'],
      ['0', ['here']],
      'here',
    ])
  })
})
