import { int64, type Options } from './arguments.ts'
import { refuse } from './redis-error.ts'

/** The four ways to say when a key runs out; also option names of SET and GETEX. */
const ways = {
  ex: { unitMs: 1000n, relative: true },
  px: { unitMs: 1n, relative: true },
  exat: { unitMs: 1000n, relative: false },
  pxat: { unitMs: 1n, relative: false },
} as const

export type Way = keyof typeof ways

export const deadlineOptions = { ex: 1, px: 1, exat: 1, pxat: 1 } as const satisfies Record<Way, 1>

/**
 * The moment, in epoch milliseconds, that `amount` means.
 *
 * @throws {RedisError} when it is no integer, or (naming `command`) when the moment cannot be.
 */
export function deadlineOf(way: Way, amount: string, now: number, command: string): number {
  const { unitMs, relative } = ways[way]
  const moment = int64(amount) * unitMs + (relative ? BigInt(Math.floor(now)) : 0n)
  return BigInt.asIntN(64, moment) === moment ? Number(moment) : refuse(invalidExpiry(command))
}

/** The same for commands that store a value: none stores one that is over already. */
export function futureDeadlineOf(way: Way, amount: string, now: number, command: string): number {
  return int64(amount) > 0n ? deadlineOf(way, amount, now, command) : refuse(invalidExpiry(command))
}

/** Which of the four was given among a command's options, if any. */
export function givenWay(options: Options<typeof deadlineOptions>): [Way, string][] {
  return (Object.keys(ways) as Way[]).flatMap((way): [Way, string][] => {
    const amount = options[way]
    return amount === undefined ? [] : [[way, amount]]
  })
}

function invalidExpiry(command: string): string {
  return `ERR invalid expire time in '${command}' command`
}
