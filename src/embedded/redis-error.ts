/** What the server answers when it refuses; goes out as it stands, and clients look at its first word. */
export class RedisError extends Error {
  override readonly name = 'RedisError'
}

/** Refuses the command at hand; an expression, so that it can follow `??` and `||`. */
export function refuse(text: string): never {
  throw new RedisError(text)
}

/** Redis's own texts, where more than one command uses them. */
export const texts = {
  syntax: 'ERR syntax error',
  wrongType: 'WRONGTYPE Operation against a key holding the wrong kind of value',
  notInteger: 'ERR value is not an integer or out of range',
  notPositive: 'ERR value is out of range, must be positive',
  notFloat: 'ERR value is not a valid float',
  notFinite: 'ERR increment would produce NaN or Infinity',
  overflow: 'ERR increment or decrement would overflow',
  indexOutOfRange: 'ERR index out of range',
  noSuchKey: 'ERR no such key',
  tooLong: 'ERR string exceeds maximum allowed size (proto-max-bulk-len)',
  noAuth: 'NOAUTH Authentication required.',
  wrongPassword: 'WRONGPASS invalid username-password pair or user is disabled.',
} as const

/** The text for too few or too many words. */
export function wrongArity(command: string): string {
  return `ERR wrong number of arguments for '${command}' command`
}
