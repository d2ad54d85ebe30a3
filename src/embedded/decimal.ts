import { refuse, texts } from './redis-error.ts'

// Redis adds in 80-bit floats and prints 17 decimals; exact decimals give the same text: 0.1 + 0.2 is 0.3.
const decimals = 17
const pattern = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d{1,4}))?$/i

interface Refusals {
  readonly notFloat: string
  readonly infiniteIncrement: string
}

const incrByFloat: Refusals = { notFloat: texts.notFloat, infiniteIncrement: texts.notFinite }

/**
 * The sum of two decimal numbers, in plain digits: INCRBYFLOAT and HINCRBYFLOAT.
 *
 * @throws {RedisError} when either is no finite number.
 */
export function addDecimals(value: string, increment: string, refusals = incrByFloat): string {
  const units = parse(increment, texts.notFloat, refusals.infiniteIncrement)
  return format(units + parse(value, refusals.notFloat, texts.notFinite))
}

/** In units of 10^-17. */
function parse(text: string, notFloat: string, notFinite: string): bigint {
  if (/^[+-]?inf(?:inity)?$/i.test(text)) refuse(notFinite)
  const [, sign, whole = '', fraction = '', exponent = '0'] = pattern.exec(text) ?? []
  if (whole + fraction === '') refuse(notFloat)
  const shift = Number(exponent) + decimals - fraction.length
  const digits = BigInt(whole + fraction)
  const units = shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift)
  return sign === '-' ? -units : units
}

function format(units: bigint): string {
  const sign = units < 0n ? '-' : ''
  const digits = (units < 0n ? -units : units).toString().padStart(decimals + 1, '0')
  const fraction = digits.slice(-decimals).replace(/0+$/, '')
  return `${sign}${digits.slice(0, -decimals)}${fraction && `.${fraction}`}`
}
