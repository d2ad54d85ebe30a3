import type { Option } from '../command.ts'

/** An option that takes a moment as Docker does, for the engine as RFC 3339 with nine digits of a second. */
export function moment(flags: string, meaning: string): Option<string | undefined> {
  return { flags, meaning, parse: (given) => readMoment(given, Date.now()) }
}

/**
 * `2026-11-20T10:00:00.5Z`, without a zone in this machine's, `2026-11-20`, Unix seconds, or how long ago: `10m`,
 * `1h30m`, `1.5s`.
 *
 * @throws RangeError
 */
export function readMoment(given: string, nowMs: number): string {
  const [, day, time = 'T00:00:00', fraction = '', zone = ''] = calendar.exec(given) ?? []
  if (day !== undefined)
    return canonical(Math.floor(Date.parse(`${day}${time.padEnd(9, ':00')}${zone}`) / 1000), fraction)
  const [, seconds, part = ''] = /^(\d{1,11})(?:\.(\d{1,9}))?$/.exec(given) ?? []
  if (seconds !== undefined) return canonical(Number(seconds), part)
  const ms = nowMs - durationMs(given)
  return canonical(Math.floor(ms / 1000), String(Math.floor(ms) % 1000).padStart(3, '0'))
}

const calendar = /^(\d{4}-\d\d-\d\d)(?:(T\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?)?$/

function canonical(seconds: number, fraction: string): string {
  const date = new Date(seconds * 1000)
  if (Number.isNaN(date.getTime())) throw new RangeError(wanted)
  return date.toISOString().replace(/000Z$/, `${fraction.padEnd(9, '0')}Z`)
}

const wanted = 'it must be a time (2026-11-20T10:00:00Z, or Unix seconds), or how long ago (90s, 10m, 1h30m)'

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

function durationMs(text: string): number {
  if (!/^(\d{1,12}(\.\d{1,9})?(ns|us|µs|ms|s|m|h|d))+$/.test(text)) return Number.NaN
  const parts = text.matchAll(/([\d.]+)(\D+)/g)
  return [...parts].reduce((sum, [, count, unit = '']) => sum + Number(count) * (unitsMs[unit] ?? 0), 0)
}
