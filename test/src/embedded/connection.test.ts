import { describe, expect } from 'vitest'
import { until } from '../../support/wait.ts'
import { test } from './fixtures.ts'

/** UTF-8, one character per byte. */
const password = Buffer.from('sécret').toString('latin1')
const noAuth = { error: 'NOAUTH Authentication required.' }
const wrongPassword = { error: 'WRONGPASS invalid username-password pair or user is disabled.' }

describe('a client with a password to give', () => {
  test.override('password', 'sécret')

  test('is let in with the right one only', async ({ client }) => {
    expect(await client.pipeline([['PING'], ['AUTH', 'wrong'], ['PING'], ['AUTH', password], ['PING']])).toEqual([
      noAuth,
      wrongPassword,
      noAuth,
      'OK',
      'PONG',
    ])
  })

  test('is the default user, who is the only one', async ({ client }) => {
    expect(await client.pipeline([['AUTH', 'root', password], ['AUTH', 'default', password], ['PING']])).toEqual([
      wrongPassword,
      'OK',
      'PONG',
    ])
  })

  test('may come in with HELLO', async ({ client }) => {
    expect(await client.call('HELLO', 3)).toEqual({ error: expect.stringMatching(/^NOAUTH HELLO must be called/) })
    expect(await client.call('HELLO', 3, 'AUTH', 'default', 'wrong')).toEqual(wrongPassword)
    const hello = await client.call('HELLO', 3, 'AUTH', 'default', password, 'SETNAME', 'me')
    expect(hello).toEqual({ map: expect.arrayContaining(['server', 'redis', 'proto', 3, 'mode', 'standalone']) })
    expect(await client.call('CLIENT', 'GETNAME')).toBe('me')
  })

  test('learns of a typing error before it is asked who it is', async ({ client }) => {
    expect(await client.pipeline([['NONSENSE'], ['GET'], ['GET', 'key'], ['QUIT']])).toEqual([
      { error: "ERR unknown command 'NONSENSE', with args beginning with: " },
      { error: "ERR wrong number of arguments for 'get' command" },
      noAuth,
      'OK',
    ])
  })

  test('cannot fill the memory before', async ({ client }) => {
    client.send('*1\r\n$1000000\r\n')
    expect(await client.next()).toEqual({ error: 'ERR Protocol error: unauthenticated bulk length' })
    await client.closed()
  })
})

describe('a connection', () => {
  test('speaks RESP2 until told otherwise', async ({ client }) => {
    await client.call('HSET', 'hash', 'field', 'value')
    expect(await client.call('HGETALL', 'hash')).toEqual(['field', 'value'])
    await client.call('HELLO', 3)
    expect(await client.call('HGETALL', 'hash')).toEqual({ map: ['field', 'value'] })
    await client.call('HELLO', 2)
    expect(await client.call('HGETALL', 'hash')).toEqual(['field', 'value'])
    expect(
      await client.pipeline([
        ['HELLO', 4],
        ['HELLO', 'x'],
        ['HELLO', 3, 'MORE'],
      ]),
    ).toEqual([
      { error: 'NOPROTO unsupported protocol version' },
      { error: 'ERR Protocol version is not an integer or out of range' },
      { error: "ERR Syntax error in HELLO option 'MORE'" },
    ])
  })

  test('answers a pipeline in order and in one piece', async ({ client }) => {
    const numbers = Array.from({ length: 500 }, (_, index) => index + 1)
    expect(await client.pipeline(numbers.map(() => ['INCR', 'n']))).toEqual(numbers)
    expect(client.chunkCount).toBe(1)
  })

  test('gets what one tick brings in one piece, whoever it comes from', async ({ client, other }) => {
    await client.call('SUBSCRIBE', 'news')
    await other.pipeline(Array.from({ length: 200 }, () => ['PUBLISH', 'news', 'hello']))
    for (let messages = 0; messages < 200; messages++) await client.next()
    expect(client.chunkCount).toBe(2)
  })

  test('ends with an error when its bytes are no protocol', async ({ client }) => {
    client.send('*1\r\nnonsense\r\n')
    expect(await client.next()).toEqual({ error: "ERR Protocol error: expected '$', got 'n'" })
    await client.closed()
  })

  test('ends when asked to, after what was asked before', async ({ client }) => {
    client.send('SET key x\r\nQUIT\r\nSET key y\r\n')
    expect([await client.next(), await client.next()]).toEqual(['OK', 'OK'])
    await client.closed()
    expect(client.transcript).toBe('+OK\r\n+OK\r\n')
  })

  test('gets its replies even when it has said all it wanted to say', async ({ client }) => {
    client.finish('PING\r\nECHO bye\r\n')
    expect([await client.next(), await client.next()]).toEqual(['PONG', 'bye'])
    await client.closed()
  })

  test('that leaves with a large order gets all of it', async ({ client, other }) => {
    await other.call('SET', 'large', 'x'.repeat(1_000_000))
    client.finish('GET large\r\n'.repeat(5))
    for (let replies = 0; replies < 5; replies++) expect(await client.next()).toHaveLength(1_000_000)
    await client.closed()
  })

  test('that leaves while it waits takes nothing along', async ({ client, other }) => {
    client.finish('BLPOP queue 0\r\nPING\r\n')
    await client.closed()
    expect(
      await other.pipeline([
        ['LPUSH', 'queue', 'a'],
        ['LLEN', 'queue'],
      ]),
    ).toEqual([1, 1])
    expect(client.transcript).toBe('')
  })

  test('is hung up on when a web page is behind it', async ({ client, other }) => {
    client.send('POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nSET key hacked\r\n')
    await client.closed()
    expect(await other.call('EXISTS', 'key')).toBe(0)
  })

  test('that does not read is not read from either, and loses nothing', async ({ client, other }) => {
    await other.call('SET', 'large', 'x'.repeat(1_000_000))
    client.pause()
    const replies = client.pipeline(Array.from({ length: 40 }, () => ['GET', 'large']))
    const executed = async () => Number(/commands_processed:(\d+)/.exec(String(await other.call('INFO', 'stats')))?.[1])
    await until(async () => (await executed()) > 2, { everyMs: 1, describe: 'the first replies' })
    expect(await executed()).toBeLessThan(30)
    client.resume()
    expect((await replies).every((reply) => String(reply).length === 1_000_000)).toBe(true)
  })

  test('that subscribes and does not read is dropped in the end', async ({ client, other }) => {
    await client.call('SUBSCRIBE', 'news')
    client.pause()
    const message = 'x'.repeat(1_000_000)
    await until(async () => (await other.call('PUBLISH', 'news', message)) === 0, {
      everyMs: 0,
      describe: 'the subscriber to be dropped',
    })
  })

  test('carries any bytes as keys and values', async ({ client }) => {
    const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('')
    await client.call('SET', bytes, bytes)
    expect(
      await client.pipeline([
        ['GET', bytes],
        ['STRLEN', bytes],
        ['KEYS', '*'],
      ]),
    ).toEqual([bytes, 256, [bytes]])
  })

  test('starts over with RESET', async ({ client }) => {
    await client.pipeline([['SELECT', 3], ['CLIENT', 'SETNAME', 'me'], ['HELLO', 3], ['MULTI']])
    expect(await client.call('RESET')).toBe('RESET')
    expect(await client.pipeline([['EXEC'], ['CLIENT', 'GETNAME']])).toEqual([
      { error: 'ERR EXEC without MULTI' },
      null,
    ])
  })
})

describe('clients', () => {
  test('are listed with what they do', async ({ client, other }) => {
    await client.pipeline([
      ['CLIENT', 'SETNAME', 'worker'],
      ['CLIENT', 'SETINFO', 'LIB-NAME', 'redis-py'],
      ['SELECT', 2],
    ])
    const id = await client.call('CLIENT', 'ID')
    const list = String(await other.call('CLIENT', 'LIST'))
    expect(list).toMatch(
      new RegExp(`^id=${id} addr=127.0.0.1:\\d+ .*name=worker .*flags=N db=2 .*lib-name=redis-py`, 'm'),
    )
    expect(list.trim().split('\n')).toHaveLength(2)
    expect(String(await client.call('CLIENT', 'INFO'))).toContain(`id=${id} `)
  })

  test('have names that fit into the list', async ({ client }) => {
    expect(await client.call('CLIENT', 'SETNAME', 'two words')).toEqual({
      error: 'ERR Client names cannot contain spaces, newlines or special characters.',
    })
  })

  test('can be hung up on', async ({ client, other }) => {
    const id = Number(await client.call('CLIENT', 'ID'))
    expect(await other.call('CLIENT', 'KILL', 'ID', id)).toBe(1)
    await client.closed()
    expect(await other.call('CLIENT', 'KILL', '127.0.0.1:1')).toEqual({ error: 'ERR No such client' })
  })
})
