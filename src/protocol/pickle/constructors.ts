import { CeleryError } from '../../errors.ts'

/** What a pickle may name, and what it then stands for here. Nothing of it is ever called in Python's sense. */

/** A dict that is still being filled. */
export class Dict extends Map<unknown, unknown> {}

/** The name of something in {@link constructors}, before arguments are given to it. */
export class Name {
  readonly key: string

  constructor(key: string) {
    this.key = key
  }
}

/** An exception as inert data. */
export class PickledError {
  readonly name: Name
  readonly args: readonly unknown[]

  constructor(name: Name, args: readonly unknown[]) {
    this.name = name
    this.args = args
  }
}

/** A UUID, whose number comes after it was made. */
export class PickledUuid {
  number: bigint = 0n

  valueOf(): string {
    const hex = this.number.toString(16).padStart(32, '0')
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
}

/** `timedelta`, and the offset of a `timezone`. */
class Duration {
  readonly seconds: number

  constructor(seconds: number) {
    this.seconds = seconds
  }

  valueOf(): number {
    return this.seconds
  }
}

/** @throws {CeleryError} CONTENT_DISALLOWED naming what is not on the list */
export function nameOf(module: string, name: string): Name {
  const key = `${modules.get(module) ?? module}.${name}`
  if (Object.hasOwn(constructors, key) || exceptions.has(key)) return new Name(key)
  throw refused(`names ${key}`)
}

/** What a name and its arguments stand for. */
export function construct(name: Name, args: readonly unknown[]): unknown {
  if (exceptions.has(name.key)) return new PickledError(name, args)
  const make = constructors[name.key]
  if (!make) throw refused(`names ${name.key}`)
  return make(args)
}

/** The pickle asks for more than plain data. */
export function refused(what: string): CeleryError {
  const next = 'Let the task return plain data: numbers, text, bytes, lists, dicts, sets, dates.'
  return new CeleryError('CONTENT_DISALLOWED', `a pickle that ${what} is refused: only plain data is read`, { next })
}

export const malformed = (what: string): CeleryError => new CeleryError('DECODE_ERROR', `malformed pickle: ${what}`)

/** As Python 2, and the protocols of its time, name them. */
const modules: ReadonlyMap<string, string> = new Map([
  ['__builtin__', 'builtins'],
  ['exceptions', 'builtins'],
  ['copy_reg', 'copyreg'],
])

type Construct = (args: readonly unknown[]) => unknown

const constructors: Readonly<Record<string, Construct>> = {
  'datetime.datetime': ([state, zone]) => datetime(asBytes(state, 10), zone),
  'datetime.date': ([state]) => isoDay(asBytes(state, 4)),
  'datetime.time': ([state, zone]) => clockTime(asBytes(state, 6), 0) + offset(zone),
  'datetime.timedelta': ([days = 0, seconds = 0, microseconds = 0]) =>
    new Duration(asNumber(days) * 86_400 + asNumber(seconds) + asNumber(microseconds) / 1e6),
  'datetime.timezone': ([duration]) => duration,
  'decimal.Decimal': ([text]) => asText(text),
  'uuid.UUID': () => new PickledUuid(),
  'collections.OrderedDict': ([pairs = []]) => new Dict(asList(pairs).map((pair) => asPair(pair))),
  'builtins.set': ([items = []]) => new Set(asList(items)),
  'builtins.frozenset': ([items = []]) => new Set(asList(items)),
  'builtins.bytes': () => new Uint8Array(),
  'builtins.bytearray': ([content = new Uint8Array()]) =>
    typeof content === 'string' ? Buffer.from(content, 'latin1') : asBytes(content),
  // How protocols 0 to 2 write bytes, and instances of classes.
  '_codecs.encode': ([text]) => Buffer.from(asText(text), 'latin1'),
  'builtins.object': () => {
    throw malformed('an object of no class')
  },
  'copyreg._reconstructor': ([name]) => {
    if (name instanceof Name && name.key === 'uuid.UUID') return new PickledUuid()
    throw refused('builds an instance of a class')
  },
}

const exceptions: ReadonlySet<string> = new Set(
  `ArithmeticError AssertionError AttributeError BaseException BlockingIOError BrokenPipeError BufferError
   ChildProcessError ConnectionAbortedError ConnectionError ConnectionRefusedError ConnectionResetError EOFError
   Exception FileExistsError FileNotFoundError FloatingPointError GeneratorExit IOError ImportError IndentationError
   IndexError InterruptedError IsADirectoryError KeyError KeyboardInterrupt LookupError MemoryError
   ModuleNotFoundError NameError NotADirectoryError NotImplementedError OSError OverflowError PermissionError
   ProcessLookupError RecursionError ReferenceError RuntimeError StopAsyncIteration StopIteration SyntaxError
   SystemError SystemExit TabError TimeoutError TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError
   UnicodeError UnicodeTranslateError ValueError ZeroDivisionError`
    .split(/\s+/)
    .map((name) => `builtins.${name}`),
)

/** Without a zone it is UTC, as a Celery worker takes it. JavaScript keeps milliseconds. */
function datetime(state: Buffer, zone: unknown): Date {
  const date = new Date(`${isoDay(state)}T${clockTime(state, 4)}Z`)
  if (Number.isNaN(date.getTime())) throw malformed('a datetime that does not exist')
  const seconds = zone instanceof Duration ? zone.seconds : 0
  return new Date(date.getTime() - seconds * 1_000)
}

const two = (value: number) => String(value).padStart(2, '0')

// The highest bit of the month, and of the hour of a time, says which of two equal times of a clock change is meant.
const isoDay = (state: Buffer) =>
  `${String(state.readUInt16BE()).padStart(4, '0')}-${two(state.readUInt8(2) & 0x7f)}-${two(state.readUInt8(3))}`

function clockTime(state: Buffer, at: number): string {
  const [hour, minute, second] = [state.readUInt8(at) & 0x7f, state.readUInt8(at + 1), state.readUInt8(at + 2)]
  const micros = state.readUIntBE(at + 3, 3)
  const fraction = micros === 0 ? '' : `.${String(micros).padStart(6, '0')}`
  return `${two(hour)}:${two(minute)}:${two(second)}${fraction}`
}

function offset(zone: unknown): string {
  if (!(zone instanceof Duration)) return ''
  const minutes = Math.abs(zone.seconds) / 60
  return `${zone.seconds < 0 ? '-' : '+'}${two(Math.trunc(minutes / 60))}:${two(minutes % 60)}`
}

function asBytes(value: unknown, size?: number): Buffer {
  if (!(value instanceof Uint8Array) || (size !== undefined && value.length !== size)) throw malformed('bytes expected')
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

function asNumber(value: unknown): number {
  if (typeof value !== 'number') throw malformed('a number expected')
  return value
}

function asText(value: unknown): string {
  if (typeof value !== 'string') throw malformed('text expected')
  return value
}

function asList(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed('a list expected')
  return value
}

function asPair(value: unknown): [unknown, unknown] {
  const [key, item] = asList(value)
  return [key, item]
}
