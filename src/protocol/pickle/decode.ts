import { construct, Dict, malformed, Name, nameOf, PickledError, PickledUuid, refused } from './constructors.ts'
import { type Opcode, opcodes } from './opcodes.ts'

/**
 * Reads plain data from a pickle of any protocol. A pickle is a program: the instructions for data are carried out
 * here, and it may name only what is listed in constructors.ts, which is built by this library and never looked up.
 * Everything else is refused by its name.
 *
 * | Python | JavaScript |
 * |---|---|
 * | int | number, or bigint beyond 2^53 |
 * | list, tuple | array |
 * | dict | object; a Map when a key is not text |
 * | set, frozenset | Set |
 * | bytes, bytearray | Uint8Array |
 * | datetime | Date |
 * | date, time, Decimal, UUID | their text |
 * | timedelta | seconds |
 * | an exception | `{exc_type, exc_message, exc_module}` |
 *
 * @throws {CeleryError} CONTENT_DISALLOWED for what is more than data, DECODE_ERROR for what is no pickle.
 */
export function loads(bytes: Uint8Array): unknown {
  return toValue(new Machine(new Reader(bytes)).run(), new Map(), 0)
}

const names = new Map<number, Opcode>(Object.entries(opcodes).map(([name, code]) => [code, name as Opcode]))

/** The stack machine for which a pickle is a program. */
class Machine {
  readonly read: Reader
  stack: unknown[] = []
  /** The stacks below the marks. */
  readonly #below: unknown[][] = []
  readonly #memo = new Map<number, unknown>()

  constructor(read: Reader) {
    this.read = read
  }

  run(): unknown {
    for (;;) {
      const code = this.read.byte()
      const name = names.get(code)
      if (name === 'STOP') return this.pop()
      if (!name) throw malformed(`there is no instruction 0x${code.toString(16)}`)
      const instruction = instructions[name]
      if (!instruction) throw refused(`holds the instruction ${name}`)
      instruction(this)
    }
  }

  push(value: unknown): void {
    this.stack.push(value)
  }

  pop(): unknown {
    if (this.stack.length === 0) throw malformed('the stack is empty')
    return this.stack.pop()
  }

  take(count: number): unknown[] {
    if (this.stack.length < count) throw malformed('the stack is empty')
    return this.stack.splice(this.stack.length - count)
  }

  top<T>(kind: new (...args: never[]) => T): T {
    const top = this.stack.at(-1)
    if (!(top instanceof kind)) throw malformed(`a ${kind.name} expected`)
    return top
  }

  mark(): void {
    this.#below.push(this.stack)
    this.stack = []
  }

  /** What was pushed since the last mark. */
  popMark(): unknown[] {
    const items = this.stack
    this.stack = this.#below.pop() ?? missingMark()
    return items
  }

  remember(index: number): void {
    if (this.stack.length === 0) throw malformed('the stack is empty')
    this.#memo.set(index, this.stack.at(-1))
  }

  memoize(): void {
    this.remember(this.#memo.size)
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw malformed(`nothing was remembered as ${index}`)
    this.push(this.#memo.get(index))
  }

  setItems(items: readonly unknown[]): void {
    if (items.length % 2 !== 0) throw malformed('a key without a value')
    const dict = this.top(Dict)
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1])
  }

  reduce(): void {
    const [name, args] = this.take(2)
    if (!(name instanceof Name)) throw refused('calls what is no class')
    if (!Array.isArray(args)) throw malformed('arguments expected')
    this.push(construct(name, args))
  }

  build(): void {
    const state = this.pop()
    const target = this.stack.at(-1)
    if (target instanceof PickledUuid && state instanceof Dict) target.number = asBigInt(state.get('int'))
    // The attributes of an exception say nothing that its arguments do not.
    else if (!(target instanceof PickledError)) throw refused('sets attributes of an instance')
  }
}

function missingMark(): never {
  throw malformed('the mark is missing')
}

type Instruction = (machine: Machine) => void

/** Every instruction for data; one that is missing here is refused. */
const instructions: { readonly [Name in Opcode]?: Instruction } = {
  PROTO: ({ read }) => checkProtocol(read.byte()),
  FRAME: ({ read }) => void read.uint64(),
  MARK: (m) => m.mark(),
  POP: (m) => (m.stack.length > 0 ? void m.pop() : void m.popMark()),
  POP_MARK: (m) => void m.popMark(),
  DUP(m) {
    const top = m.pop()
    m.push(top)
    m.push(top)
  },

  NONE: (m) => m.push(null),
  NEWTRUE: (m) => m.push(true),
  NEWFALSE: (m) => m.push(false),
  INT: (m) => m.push(integerOrBoolean(m.read.line())),
  BININT: (m) => m.push(m.read.bytes(4).readInt32LE()),
  BININT1: (m) => m.push(m.read.byte()),
  BININT2: (m) => m.push(m.read.bytes(2).readUInt16LE()),
  LONG: (m) => m.push(integer(m.read.line().replace(/L$/, ''))),
  LONG1: (m) => m.push(long(m.read.bytes(m.read.byte()))),
  LONG4: (m) => m.push(long(m.read.bytes(m.read.uint32()))),
  FLOAT: (m) => m.push(float(m.read.line())),
  BINFLOAT: (m) => m.push(m.read.bytes(8).readDoubleBE()),

  STRING: (m) => m.push(quoted(m.read.line())),
  BINSTRING: (m) => m.push(ascii(m.read.bytes(m.read.uint32()))),
  SHORT_BINSTRING: (m) => m.push(ascii(m.read.bytes(m.read.byte()))),
  UNICODE: (m) => m.push(rawUnicodeEscape(m.read.line())),
  BINUNICODE: (m) => m.push(utf8(m.read.bytes(m.read.uint32()))),
  SHORT_BINUNICODE: (m) => m.push(utf8(m.read.bytes(m.read.byte()))),
  BINUNICODE8: (m) => m.push(utf8(m.read.bytes(m.read.uint64()))),
  BINBYTES: (m) => m.push(m.read.bytes(m.read.uint32())),
  SHORT_BINBYTES: (m) => m.push(m.read.bytes(m.read.byte())),
  BINBYTES8: (m) => m.push(m.read.bytes(m.read.uint64())),
  BYTEARRAY8: (m) => m.push(m.read.bytes(m.read.uint64())),

  EMPTY_LIST: (m) => m.push([]),
  APPEND: (m) => append(m, m.take(1)),
  APPENDS: (m) => append(m, m.popMark()),
  LIST: (m) => m.push(m.popMark()),
  EMPTY_TUPLE: (m) => m.push([]),
  TUPLE: (m) => m.push(m.popMark()),
  TUPLE1: (m) => m.push(m.take(1)),
  TUPLE2: (m) => m.push(m.take(2)),
  TUPLE3: (m) => m.push(m.take(3)),
  EMPTY_DICT: (m) => m.push(new Dict()),
  DICT(m) {
    const items = m.popMark()
    m.push(new Dict())
    m.setItems(items)
  },
  SETITEM: (m) => m.setItems(m.take(2)),
  SETITEMS: (m) => m.setItems(m.popMark()),
  EMPTY_SET: (m) => m.push(new Set()),
  ADDITEMS(m) {
    const items = m.popMark()
    const set = m.top(Set)
    for (const item of items) set.add(item)
  },
  FROZENSET: (m) => m.push(new Set(m.popMark())),

  PUT: (m) => m.remember(Number(m.read.line())),
  BINPUT: (m) => m.remember(m.read.byte()),
  LONG_BINPUT: (m) => m.remember(m.read.uint32()),
  MEMOIZE: (m) => m.memoize(),
  GET: (m) => m.recall(Number(m.read.line())),
  BINGET: (m) => m.recall(m.read.byte()),
  LONG_BINGET: (m) => m.recall(m.read.uint32()),

  GLOBAL: (m) => m.push(nameOf(m.read.line(), m.read.line())),
  STACK_GLOBAL(m) {
    const [module, name] = m.take(2)
    m.push(nameOf(String(module), String(name)))
  },
  REDUCE: (m) => m.reduce(),
  NEWOBJ: (m) => m.reduce(),
  BUILD: (m) => m.build(),
}

function checkProtocol(protocol: number): void {
  if (protocol > 5) throw malformed(`protocol ${protocol} is not known`)
}

function append(machine: Machine, items: readonly unknown[]): void {
  const list = machine.top(Array)
  for (const item of items) list.push(item)
}

/** Reads a pickle's arguments, never beyond its end. */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  bytes(count: number): Buffer {
    if (count > this.#bytes.length - this.#at) throw malformed('it ends too early')
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  byte(): number {
    return this.bytes(1).readUInt8()
  }

  uint32(): number {
    return this.bytes(4).readUInt32LE()
  }

  uint64(): number {
    return Number(this.bytes(8).readBigUInt64LE())
  }

  line(): string {
    const end = this.#bytes.indexOf('\n', this.#at)
    if (end === -1) throw malformed('it ends too early')
    const line = this.bytes(end - this.#at).toString('latin1')
    this.#at += 1
    return line
  }
}

const integerOrBoolean = (line: string) => (line === '00' ? false : line === '01' ? true : integer(line))

// As long as Python's own limit for reading an integer from text.
function integer(line: string): number | bigint {
  if (!/^-?\d{1,4300}$/.test(line)) throw malformed('an integer expected')
  return exact(BigInt(line))
}

/** Two's complement, the least byte first. */
function long(bytes: Buffer): number | bigint {
  if (bytes.length === 0) return 0
  const hex = Buffer.from(bytes).reverse().toString('hex')
  return exact(BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`)))
}

function exact(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function asBigInt(value: unknown): bigint {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw malformed('an integer expected')
  return BigInt(value)
}

function float(line: string): number {
  const number = Number(line.replace(/^(-?)inf$/, '$1Infinity'))
  if (line === '' || (Number.isNaN(number) && line !== 'nan')) throw malformed('a float expected')
  return number
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function utf8(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    throw malformed('text that is not UTF-8')
  }
}

// Text of Python 2, which Python 3 reads as ASCII too.
function ascii(bytes: Buffer): string {
  if (bytes.some((byte) => byte > 0x7f)) throw malformed('text of Python 2 that is not ASCII')
  return bytes.toString('latin1')
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', "'": "'", '"': '"' }

function quoted(line: string): string {
  const text = /^(['"])(.*)\1$/s.exec(line)?.[2]
  if (text === undefined) throw malformed('a quoted text expected')
  const plain = text.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/gs, (whole, hex, char) =>
    hex ? String.fromCharCode(Number.parseInt(hex, 16)) : (escapes[char] ?? whole),
  )
  return ascii(Buffer.from(plain, 'latin1'))
}

function rawUnicodeEscape(line: string): string {
  return line.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (_, short, long) => {
    const point = Number.parseInt(short ?? long, 16)
    if (point > 0x10ffff) throw malformed('a character that does not exist')
    return String.fromCodePoint(point)
  })
}

const maxDepth = 1_000

/** From what the machine holds to what a caller gets; things that occur twice stay one thing. */
function toValue(held: unknown, done: Map<unknown, unknown>, depth: number): unknown {
  if (typeof held !== 'object' || held === null) return held
  if (done.has(held)) return done.get(held)
  if (depth > maxDepth) throw refused(`is nested more than ${maxDepth} deep`)
  const inner = (value: unknown) => toValue(value, done, depth + 1)
  if (Array.isArray(held)) {
    const list: unknown[] = []
    done.set(held, list)
    for (const item of held) list.push(inner(item))
    return list
  }
  if (held instanceof Dict) return dictValue(held, done, inner)
  if (held instanceof Set) {
    const set = new Set<unknown>()
    done.set(held, set)
    for (const item of held) set.add(inner(item))
    return set
  }
  if (held instanceof PickledError) return errorValue(held, inner)
  if (held instanceof Name) throw refused(`holds the class ${held.key}`)
  if (held instanceof Uint8Array) return new Uint8Array(held)
  return held instanceof Date ? held : held.valueOf()
}

function dictValue(dict: Dict, done: Map<unknown, unknown>, inner: (value: unknown) => unknown): unknown {
  if ([...dict.keys()].every((key) => typeof key === 'string')) {
    const object: Record<string, unknown> = {}
    done.set(dict, object)
    for (const [key, item] of dict) {
      // As in JSON: dropped, because it would set a prototype as soon as someone copies the object by assignment.
      if (key !== '__proto__') object[String(key)] = inner(item)
    }
    return object
  }
  const map = new Map<unknown, unknown>()
  done.set(dict, map)
  for (const [key, item] of dict) map.set(inner(key), inner(item))
  return map
}

function errorValue({ name, args }: PickledError, inner: (value: unknown) => unknown): unknown {
  const [module, type] = name.key.split('.')
  return { exc_type: type, exc_message: args.map(inner), exc_module: module }
}
