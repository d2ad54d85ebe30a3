import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/clock.ts'
import { Revoked } from '../../../src/worker/revoked.ts'

let directory: string
let file: string
let clock: ManualClock

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'revoked-'))
  file = join(directory, 'state', 'worker.json')
  clock = new ManualClock()
})

afterEach(() => rmSync(directory, { recursive: true }))

describe('revoked tasks', () => {
  it('are remembered for three hours', () => {
    const revoked = new Revoked(clock)
    revoked.add(['a'])
    clock.advance(10_799_000)
    expect(revoked.has('a')).toBe(true)
    clock.advance(2_000)
    expect([revoked.has('a'), [...revoked]]).toEqual([false, []])
  })

  it('are remembered up to fifty thousand, the newest', () => {
    const revoked = new Revoked(clock)
    revoked.add(Array.from({ length: 50_001 }, (_, i) => `t${i}`))
    expect([revoked.has('t0'), revoked.has('t1'), revoked.has('t50000')]).toEqual([false, true, true])
  })

  it('outlive the worker in a file', () => {
    new Revoked(clock, file).add(['a', 'b'])
    expect([...new Revoked(clock, file)]).toEqual(['a', 'b'])
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ revoked: { a: clock.now(), b: clock.now() } })
  })

  it.each(['', '{', '[]', '{"revoked": 1}'])('are not kept in a file that holds something else: %j', (text) => {
    const other = join(directory, 'other')
    writeFileSync(other, text)
    expect(() => new Revoked(clock, other)).toThrow(`${other} cannot keep the worker's state: it holds something else`)
    expect(readFileSync(other, 'utf8')).toBe(text)
  })
})
