import { opcodes } from './opcodes.ts'

/**
 * Writes plain data as a pickle of protocol 4, which every Python 3 reads.
 *
 * | JavaScript | Python |
 * |---|---|
 * | null, undefined | None |
 * | integer, bigint | int |
 * | other numbers | float |
 * | Uint8Array | bytes |
 * | array | list |
 * | object, Map | dict |
 * | Set | set |
 * | Date | aware datetime, in UTC |
 *
 * @throws {TypeError} for what has no such form: functions, symbols, circles.
 */
export function dumps(value: unknown): Uint8Array {
  const out: Buffer[] = [Buffer.of(opcodes.PROTO, 4)]
  write(value, out, [])
  out.push(Buffer.of(opcodes.STOP))
  return Buffer.concat(out)
}

function write(value: unknown, out: Buffer[], path: readonly unknown[]): void {
  if (value === null || value === undefined) out.push(Buffer.of(opcodes.NONE))
  else if (typeof value === 'boolean') out.push(Buffer.of(value ? opcodes.NEWTRUE : opcodes.NEWFALSE))
  else if (typeof value === 'number') out.push(number(value))
  else if (typeof value === 'bigint') out.push(long(value))
  else if (typeof value === 'string') out.push(text(value))
  else if (value instanceof Uint8Array) out.push(bytes(value))
  else if (value instanceof Date) out.push(datetime(value))
  else if (typeof value === 'object') writeContainer(value, out, path)
  else throw new TypeError(`a ${typeof value} cannot be pickled`)
}

function writeContainer(value: object, out: Buffer[], path: readonly unknown[]): void {
  if (path.includes(value)) throw new TypeError('a circular structure cannot be pickled here')
  const inside = [...path, value]
  const fill = (empty: number, items: Iterable<unknown>, add: number) => {
    out.push(Buffer.of(empty, opcodes.MARK))
    for (const item of items) write(item, out, inside)
    out.push(Buffer.of(add))
  }
  if (Array.isArray(value)) fill(opcodes.EMPTY_LIST, value, opcodes.APPENDS)
  else if (value instanceof Set) fill(opcodes.EMPTY_SET, value, opcodes.ADDITEMS)
  else if (value instanceof Map) fill(opcodes.EMPTY_DICT, [...value].flat(1), opcodes.SETITEMS)
  else if ('toJSON' in value && typeof value.toJSON === 'function') write(value.toJSON(), out, inside)
  else {
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    fill(opcodes.EMPTY_DICT, members.flat(1), opcodes.SETITEMS)
  }
}

function number(value: number): Buffer {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return float(value)
  if (value >= 0 && value < 2 ** 8) return Buffer.of(opcodes.BININT1, value)
  if (value >= 0 && value < 2 ** 16) return Buffer.of(opcodes.BININT2, value & 0xff, value >> 8)
  if (value < -(2 ** 31) || value >= 2 ** 31) return long(BigInt(value))
  const buffer = Buffer.of(opcodes.BININT, 0, 0, 0, 0)
  buffer.writeInt32LE(value, 1)
  return buffer
}

function float(value: number): Buffer {
  const buffer = Buffer.alloc(9, opcodes.BINFLOAT)
  buffer.writeDoubleBE(value, 1)
  return buffer
}

// Two's complement, the least byte first, as few bytes as keep the sign.
function long(value: bigint): Buffer {
  const magnitude = value < 0n ? -value - 1n : value
  const size = Math.floor(magnitude.toString(16).length / 2) + 1
  const hex = BigInt.asUintN(size * 8, value).toString(16)
  const digits = Buffer.from(hex.padStart(size * 2, '0'), 'hex').reverse()
  return sized(digits, { short: opcodes.LONG1, medium: opcodes.LONG4 })
}

const text = (value: string) =>
  sized(Buffer.from(value), { short: opcodes.SHORT_BINUNICODE, medium: opcodes.BINUNICODE })

const bytes = (value: Uint8Array) =>
  sized(Buffer.from(value), { short: opcodes.SHORT_BINBYTES, medium: opcodes.BINBYTES })

function sized(content: Buffer, { short, medium }: { short: number; medium: number }): Buffer {
  if (content.length < 2 ** 8) return Buffer.concat([Buffer.of(short, content.length), content])
  const head = Buffer.alloc(5, medium)
  head.writeUInt32LE(content.length, 1)
  return Buffer.concat([head, content])
}

/** `datetime(b'…', timezone(timedelta(0)))`: year, month, day, hour, minute, second, and three bytes of microseconds. */
function datetime(date: Date): Buffer {
  const year = date.getUTCFullYear()
  if (!(year >= 1 && year <= 9999)) throw new TypeError(`Python has no datetime for ${date}`)
  const [month, day] = [date.getUTCMonth() + 1, date.getUTCDate()]
  const [hour, minute, second] = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
  const state = Buffer.of(year >> 8, year & 0xff, month, day, hour, minute, second, 0, 0, 0)
  state.writeUIntBE(date.getUTCMilliseconds() * 1_000, 7, 3)
  const name = (...names: string[]) => [...names.map(text), Buffer.of(opcodes.STACK_GLOBAL)]
  return Buffer.concat([
    ...[...name('datetime', 'datetime'), bytes(state)],
    ...[...name('datetime', 'timezone'), ...name('datetime', 'timedelta'), number(0), Buffer.of(opcodes.TUPLE1)],
    Buffer.of(opcodes.REDUCE, opcodes.TUPLE1, opcodes.REDUCE, opcodes.TUPLE2, opcodes.REDUCE),
  ])
}
