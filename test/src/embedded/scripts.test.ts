import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/clock.ts'
import { Database } from '../../../src/embedded/database.ts'
import { lockScripts } from '../../../src/embedded/scripts/lock-scripts.ts'
import { test } from './fixtures.ts'

const unknownSha = 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db'

describe('scripts', () => {
  test('run only when they are known', async ({ client }) => {
    expect(await client.call('EVAL', 'return 1', 0)).toEqual({
      error: expect.stringContaining('ERR this embedded broker runs only the scripts it knows'),
    })
    expect(await client.call('SCRIPT', 'LOAD', '-- celery-sandbox:nonsense\nreturn 1')).toEqual({
      error: expect.stringContaining('runs only the scripts it knows'),
    })
  })

  test('are loaded before they are called by their SHA1', async ({ client }) => {
    expect(
      await client.pipeline([
        ['EVALSHA', unknownSha, 0],
        ['SCRIPT', 'EXISTS', unknownSha],
        ['SCRIPT', 'FLUSH'],
      ]),
    ).toEqual([{ error: 'NOSCRIPT No matching script. Please use EVAL.' }, [0], 'OK'])
  })

  test('say how many keys they are given', async ({ client }) => {
    expect(
      await client.pipeline([
        ['EVAL', 'x', 'many'],
        ['EVAL', 'x', 2, 'key'],
        ['EVAL', 'x', -1],
      ]),
    ).toEqual([
      { error: 'ERR value is not an integer or out of range' },
      { error: "ERR Number of keys can't be greater than number of args" },
      { error: "ERR Number of keys can't be negative" },
    ])
  })
})

describe("redis-py's lock scripts", () => {
  const shas = {
    release: 'c3f8721cbb97f72bc19e972846bd7aaf91901658',
    extend: 'a4e8783852e6b949f9ef3a97212805108459a890',
    reacquire: '1cac51482acf5858da00f6d685d68f886cd6b6b2',
  }

  function heldLock() {
    const clock = new ManualClock(1_000_000)
    const db = new Database(clock)
    db.put('lock', 'token', clock.now() + 5000)
    const run = (name: keyof typeof shas, ...args: string[]) =>
      lockScripts[shas[name]]?.({ db, publish: () => 0 }, ['lock'], args)
    return { clock, db, run }
  }

  it('release a lock for whoever holds it', () => {
    const { db, run } = heldLock()
    expect(run('release', 'another')).toBe(0)
    expect(run('release', 'token')).toBe(1)
    expect(db.has('lock')).toBe(false)
    expect(run('release', 'token')).toBe(0)
  })

  it('extend a lock by more time, or to a new time', () => {
    const { clock, db, run } = heldLock()
    expect(run('extend', 'token', '1000', '0')).toBe(1)
    expect(db.deadline('lock')).toBe(clock.now() + 6000)
    expect(run('extend', 'token', '1000', '1')).toBe(1)
    expect(db.deadline('lock')).toBe(clock.now() + 1000)
    db.persist('lock')
    expect(run('extend', 'token', '1000', '0')).toBe(0)
    expect(run('extend', 'another', '1000', '0')).toBe(0)
  })

  it('reacquire a lock for as long as asked', () => {
    const { clock, db, run } = heldLock()
    expect(run('reacquire', 'another', '9000')).toBe(0)
    expect(run('reacquire', 'token', '9000')).toBe(1)
    expect(db.deadline('lock')).toBe(clock.now() + 9000)
    clock.advance(9000)
    expect(run('reacquire', 'token', '9000')).toBe(0)
  })
})
