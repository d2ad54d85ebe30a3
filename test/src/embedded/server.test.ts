import { describe, expect } from 'vitest'
import { test } from './fixtures.ts'

describe('the server', () => {
  test('tells what it is and how it is', async ({ client, broker, clock }) => {
    await client.pipeline([
      ['SET', 'a', 1],
      ['SET', 'b', 1, 'EX', 10],
    ])
    clock.advance(5000)
    const info = String(await client.call('INFO'))
    for (const line of [
      'redis_version:7.0.15',
      'loading:0',
      'role:master',
      `tcp_port:${broker.port}`,
      'uptime_in_seconds:5',
      'connected_clients:1',
      'db0:keys=2,expires=1,avg_ttl=0',
    ]) {
      expect(info).toContain(`\r\n${line}\r\n`)
    }
    expect(await client.call('INFO', 'replication', 'clients')).toMatch(/^# Clients\r\n[^#]*# Replication\r\n[^#]*$/)
    expect(await client.call('INFO', 'nonsense')).toBe('')
  })

  test('tells the time of its clock', async ({ client, clock }) => {
    clock.advance(1234)
    expect(await client.call('TIME')).toEqual(['1767225601', '234000'])
  })

  test('counts anew after CONFIG RESETSTAT', async ({ client }) => {
    await client.pipeline([['PING'], ['CONFIG', 'RESETSTAT']])
    expect(await client.call('INFO', 'stats')).toContain('total_commands_processed:1\r\n')
  })

  test('shows its settings, and changes the password', async ({ client, other }) => {
    expect(await client.call('CONFIG', 'GET', 'save', 'max*')).toEqual([
      'maxmemory',
      '0',
      'maxmemory-policy',
      'noeviction',
      'save',
      '',
    ])
    expect(await client.call('CONFIG', 'SET', 'requirepass', 'secret')).toBe('OK')
    expect(await other.call('HELLO')).toEqual(expect.any(Array))
    expect(await client.call('CONFIG', 'SET', 'requirepass', '', 'port', '1')).toEqual({
      error: "ERR CONFIG SET failed (possibly related to argument 'port') - can't set immutable config",
    })
    expect(await client.call('CONFIG', 'GET', 'requirepass')).toEqual(['requirepass', 'secret'])
  })

  test('has sixteen databases, which can be emptied one by one or all at once', async ({ client }) => {
    for (const index of [0, 1, 15])
      await client.pipeline([
        ['SELECT', index],
        ['SET', 'key', 'x'],
      ])
    expect(await client.pipeline([['FLUSHDB'], ['SELECT', 1], ['DBSIZE'], ['FLUSHALL', 'ASYNC'], ['DBSIZE']])).toEqual([
      'OK',
      'OK',
      1,
      'OK',
      0,
    ])
  })

  test('waits for replicas it does not have', async ({ client, clock, other }) => {
    expect(await client.call('WAIT', 0, 100)).toBe(0)
    const acknowledged = client.call('WAIT', 1, 100)
    await other.call('PING')
    clock.advance(100)
    expect(await acknowledged).toBe(0)
  })

  test('lists its commands', async ({ client }) => {
    const names = await client.call('COMMAND', 'LIST')
    expect(names).toEqual(expect.arrayContaining(['get', 'blmove', 'client', 'zrangebyscore']))
    expect(await client.call('COMMAND', 'COUNT')).toBe(Array.isArray(names) && names.length)
    expect(
      await client.pipeline([['CLIENT', 'NONSENSE'], ['CLIENT'], ['CLIENT', 'SETNAME'], ['CLIENT|ID'], ['__proto__']]),
    ).toEqual([
      { error: "ERR unknown subcommand 'NONSENSE'. Try CLIENT HELP." },
      { error: "ERR wrong number of arguments for 'client' command" },
      { error: "ERR wrong number of arguments for 'client|setname' command" },
      { error: "ERR unknown command 'CLIENT|ID', with args beginning with: " },
      { error: "ERR unknown command '__proto__', with args beginning with: " },
    ])
  })
})

describe('a monitor', () => {
  test('sees every command with its time, database and sender', async ({ client, other }) => {
    expect(await client.call('MONITOR')).toBe('OK')
    await other.pipeline([
      ['SELECT', 2],
      ['SET', 'key', 'a "b"\n'],
    ])
    expect(await client.next()).toMatch(/^1767225600\.000000 \[0 127\.0\.0\.1:\d+\] "SELECT" "2"$/)
    expect(await client.next()).toMatch(/\[2 127\.0\.0\.1:\d+\] "SET" "key" "a \\"b\\"\\n"$/)
  })

  test('sees a transaction in the order in which it runs, and no passwords', async ({ client, other }) => {
    await client.call('MONITOR')
    await other.pipeline([['AUTH', 'secret'], ['MULTI'], ['INCR', 'n'], ['EXEC'], ['PING']])
    const seen = [await client.next(), await client.next(), await client.next(), await client.next()]
    expect(seen.map((line) => String(line).replace(/.*\] /, ''))).toEqual(['"MULTI"', '"INCR" "n"', '"exec"', '"PING"'])
  })
})
