import { describe, expect, it } from 'vitest'
import { type SolarEvent, solar } from '../../../src/schedule/solar.ts'

const next = (event: SolarEvent, lat: number, lon: number, after: string) =>
  new Date(solar(event, lat, lon).nextAfter(Date.parse(after)))

describe('the sun', () => {
  // Of Greenwich, to the minute, as almanacs have it.
  it.each<[SolarEvent, string]>([
    ['sunrise', '2026-06-21T03:43'],
    ['solar_noon', '2026-06-21T12:02'],
    ['sunset', '2026-06-21T20:21'],
    ['dawn_civil', '2026-06-21T02:55'],
    ['dusk_civil', '2026-06-21T21:09'],
  ])('%s', (event, minute) => {
    const found = next(event, 51.4779, 0, '2026-06-21T00:00Z').getTime()
    expect(Math.abs(found - Date.parse(`${minute}Z`))).toBeLessThan(90_000)
  })

  it('has its events in their order', () => {
    const order: SolarEvent[] = ['dawn_astronomical', 'dawn_nautical', 'dawn_civil', 'sunrise', 'solar_noon']
    order.push('sunset', 'dusk_civil', 'dusk_nautical', 'dusk_astronomical')
    const times = order.map((event) => next(event, -37.8, 145, '2026-11-20T14:00Z').getTime())
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })

  it('is waited for where it does not rise', () => {
    const found = next('sunrise', 78.2, 15.6, '2026-11-21T00:00Z')
    expect(found.toISOString()).toMatch(/^2027-02-1\d/)
    const moment = { now: new Date('2026-12-24T12:00Z'), timezone: 'UTC', cronStartingDeadline: null }
    expect(solar('sunrise', 78.2, 15.6).isDue(new Date('2026-11-21T00:00Z'), moment).isDue).toBe(false)
  })

  it('does not rise twice a day, however exactly a run hits the moment', () => {
    const sunrise = solar('sunrise', 51.5, 0)
    let last = Date.parse('2026-01-01T00:00Z')
    for (let day = 0; day < 30; day++) {
      const due = sunrise.nextAfter(last)
      const moment = { now: new Date(due), timezone: 'UTC', cronStartingDeadline: null }
      const { isDue, next } = sunrise.isDue(new Date(last), moment)
      expect(isDue).toBe(true)
      expect(next).toBeGreaterThan(80_000)
      last = due
    }
  })

  it.each([
    [['sunrises', 0, 0], "solar: there is no event 'sunrises'"],
    [['sunset', 91, 0], 'solar: the latitude must be -90 to 90; got 91'],
    [['sunset', 0, 'x'], "solar: the longitude must be -180 to 180; got 'x'"],
  ])('refuses %j', (given, message) => {
    expect(() => solar(...(given as [SolarEvent, number, number]))).toThrow(message)
  })
})
