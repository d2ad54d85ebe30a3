import { describe, expect, it } from 'vitest'
import { readMoment } from '../../../cli/logs/moment.ts'

const now = Date.parse('2026-11-20T12:00:00.250Z')

describe('a moment on the command line', () => {
  it.each([
    ['2026-11-20T10:00:00Z', '2026-11-20T10:00:00.000000000Z'],
    ['2026-11-20T10:00:00.123456789Z', '2026-11-20T10:00:00.123456789Z'],
    ['2026-11-20T10:00:00.5+02:00', '2026-11-20T08:00:00.500000000Z'],
    ['1795172160', '2026-11-20T10:56:00.000000000Z'],
    ['1795172160.123456789', '2026-11-20T10:56:00.123456789Z'],
    ['90s', '2026-11-20T11:58:30.250000000Z'],
    ['1h30m', '2026-11-20T10:30:00.250000000Z'],
    ['1.5s', '2026-11-20T11:59:58.750000000Z'],
    ['250ms', '2026-11-20T12:00:00.000000000Z'],
    ['1d', '2026-11-19T12:00:00.250000000Z'],
  ])('%s is %s', (given, time) => {
    expect(readMoment(given, now)).toBe(time)
  })

  it('without a zone is one of this machine', () => {
    const local = (iso: string) => `${new Date(iso).toISOString().slice(0, -4)}000000000Z`
    expect(readMoment('2026-11-20T10:00', now)).toBe(local('2026-11-20T10:00:00'))
    expect(readMoment('2026-11-20', now)).toBe(local('2026-11-20T00:00:00'))
  })

  it.each(['', 'yesterday', '-5m', '5 m', '2026-13-40', '10m!'])('is not "%s"', (given) => {
    expect(() => readMoment(given, now)).toThrow('it must be a time')
  })
})
