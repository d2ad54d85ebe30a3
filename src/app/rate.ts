import { CeleryError } from '../errors.ts'

const perSecond: Readonly<Record<string, number>> = { s: 1, m: 1 / 60, h: 1 / 3600 }

const grammar = /^\s*(\d+(?:\.\d+)?)(?:\s*\/\s*([smh]))?\s*$/

export const isRate = (given: unknown): given is string | number => grammar.test(String(given))

/**
 * Reads a rate in Celery's grammar: `'100/m'`, `'10/s'`, `'1/h'`, `'5'` or a number a second.
 *
 * @returns runs a second; 0 for no limit
 * @throws {CeleryError} IMPROPERLY_CONFIGURED
 */
export function parseRate(rate: string | number | null | undefined): number {
  if (rate === null || rate === undefined) return 0
  const [, count, unit = 's'] = grammar.exec(String(rate)) ?? []
  if (count === undefined) {
    const next = "Write it as a number a second, '10/s', '100/m' or '1/h'."
    throw new CeleryError('IMPROPERLY_CONFIGURED', `${JSON.stringify(rate)} is no rate limit`, { next })
  }
  return Number(count) * (perSecond[unit] ?? 1)
}
