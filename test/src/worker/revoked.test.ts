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

describe('what workers tell each other of revoked tasks', () => {
  it('reaches the other with its time', () => {
    clock.advance(1_700_000_000_000)
    const ours = new Revoked(clock)
    ours.add(['a'])
    clock.advance(10_000_000)
    const theirs = new Revoked(clock)
    theirs.merge(ours.forNeighbours())
    expect([...theirs]).toEqual(['a'])
    clock.advance(801_000)
    expect([...theirs]).toEqual([])
  })

  it('is never a whole number, which Python does not take', () => {
    const revoked = new Revoked(clock)
    revoked.add(['a'])
    expect(JSON.stringify(revoked.forNeighbours())).toMatch(/\{"a":\[\d+\.\d+,"a"\]\}/)
  })

  it.each([[{ a: [1153.2, 'a'] }], [{ a: 1153.2 }], [{ a: 'odd' }], [{ a: null }]])(
    'counts from now when the time is of another kind: %j',
    (told) => {
      clock.advance(1_700_000_000_000)
      const revoked = new Revoked(clock)
      revoked.merge(told)
      clock.advance(10_799_000)
      expect(revoked.has('a')).toBe(true)
      clock.advance(2_000)
      expect(revoked.has('a')).toBe(false)
    },
  )

  it('is kept in the file as well', () => {
    new Revoked(clock, file).merge({ a: 1 })
    expect([...new Revoked(clock, file)]).toEqual(['a'])
  })
})
