/** Durations and sizes in the forms the Compose file and Go's JSON share. */

const unitNs: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
  d: 86_400e9,
  w: 604_800e9,
}

/** `1m30s`, `1.5h`, `2d` → nanoseconds; undefined when it is no duration. */
export function parseDuration(text: string): number | undefined {
  const rest = text.replace(/^-/, '')
  if (rest === '0') return 0
  if (!/^(\d+(\.\d*)?(ns|us|µs|ms|s|m|h|d|w))+$/.test(rest)) return undefined
  let total = 0
  for (const [, amount, unit] of rest.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h|d|w)/g)) {
    total += Number(amount) * (unitNs[unit ?? ''] ?? 0)
  }
  return Math.round(text.startsWith('-') ? -total : total)
}

/** As Go's time.Duration prints it: `1h30m0s`, `500ms`, `1.5s`, `0s`. */
export function formatDuration(ns: number): string {
  if (ns === 0) return '0s'
  const sign = ns < 0 ? '-' : ''
  const size = Math.abs(ns)
  if (size < 1e3) return `${sign}${size}ns`
  if (size < 1e6) return `${sign}${size / 1e3}µs`
  if (size < 1e9) return `${sign}${size / 1e6}ms`
  const hours = Math.floor(size / 3600e9)
  const minutes = Math.floor(size / 60e9) % 60
  const seconds = `${(size % 60e9) / 1e9}s`
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`
}

/** The nanoseconds of a canonical duration. */
export function nanoseconds(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : parseDuration(duration)
}

/** `64mb`, `1.5g`, `100` → bytes (units are powers of 1024); undefined when it is no size. */
export function parseBytes(text: string): number | undefined {
  if (/^-?\d+$/.test(text)) return Number(text)
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp])?i?b?$/i.exec(text)
  if (!match) return undefined
  const power = ' kmgtp'.indexOf(match[2]?.toLowerCase() ?? ' ')
  return Math.floor(Number(match[1]) * 1024 ** power)
}

/** The shortest decimal that is the same 32-bit float: what Go writes for a float32. */
export function roundToFloat32(value: number): number {
  const rounded = Math.fround(value)
  for (let digits = 1; digits <= 9; digits++) {
    const candidate = Number(rounded.toPrecision(digits))
    if (Math.fround(candidate) === rounded) return candidate
  }
  return rounded
}

/** A number as Go prints it: JavaScript's form, but two digits of exponent below 0.0001. */
export function formatNumber(value: number): string {
  if (value !== 0 && Math.abs(value) < 1e-4) {
    return value.toExponential().replace(/e-(\d)$/, 'e-0$1')
  }
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf'
}
