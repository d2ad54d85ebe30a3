import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CeleryError } from '../../../src/errors.ts'
import { loads } from '../../../src/protocol/pickle/decode.ts'
import { dumps } from '../../../src/protocol/pickle/encode.ts'
import { opcodes } from '../../../src/protocol/pickle/opcodes.ts'

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex')
const ascii = (text: string) => Buffer.from(text, 'latin1')

describe('a pickle', () => {
  it('of a small number is the one that Celery stored', () => {
    expect(loads(hex('80 05 4B 03 2E'))).toBe(3)
    expect(dumps(3)).toEqual(hex('80 04 4B 03 2E'))
  })

  it('carries plain data there and back', () => {
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constant(null),
        fc.boolean(),
        fc.integer(),
        fc.maxSafeInteger(),
        fc.double(),
        fc.string({ unit: 'grapheme' }),
        fc.uint8Array({ maxLength: 300 }),
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        fc.array(tie('value')),
        fc.dictionary(fc.string(), tie('value')).filter((object) => !('__proto__' in object)),
        fc.uniqueArray(fc.integer()).map((items) => new Set(items)),
        fc
          .uniqueArray(fc.tuple(fc.integer(), tie('value')), { selector: ([key]) => key, minLength: 1 })
          .map((e) => new Map(e)),
      ),
    }))
    fc.assert(
      fc.property(value, (given) => {
        expect(loads(dumps(given))).toEqual(withoutPrototypes(given))
      }),
    )
  })

  it('carries integers of any size', () => {
    const big = fc.bigInt({ min: -(2n ** 600n), max: 2n ** 600n }).filter((n) => n > 2n ** 53n || n < -(2n ** 53n))
    fc.assert(
      fc.property(big, (given) => {
        expect(loads(dumps(given))).toBe(given)
      }),
    )
    for (const edge of [127, 128, 255, 256, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, -129]) {
      expect(loads(dumps(edge))).toBe(edge)
    }
  })

  it('is refused for what has no form in Python', () => {
    const circle: unknown[] = []
    circle.push(circle)
    for (const value of [() => 1, Symbol('x'), [circle], new Date(Number.NaN)]) {
      expect(() => dumps(value)).toThrow(TypeError)
    }
  })
})

describe('reading a pickle', () => {
  it('that would run a command runs nothing and names what it wanted', () => {
    // pickletools.dis: c 'posix system' ( S 'touch …' t R .
    const bomb = ascii("cposix\nsystem\n(S'touch /tmp/pwned'\ntR.")
    expect(() => loads(bomb)).toThrow('a pickle that names posix.system is refused: only plain data is read')
    const modern = hex('8004 8c02 6f73 8c06 73797374656d 93 8c02 6964 85 52 2e') // os.system("id")
    expect(() => loads(modern)).toThrow('names os.system')
  })

  it('refuses every way to name or call something else', () => {
    const refusals: [Buffer, string][] = [
      [ascii('cbuiltins\neval\n.'), 'names builtins.eval'],
      [ascii('c__builtin__\ngetattr\n.'), 'names builtins.getattr'],
      [ascii('c__proto__\nconstructor\n.'), 'names __proto__.constructor'],
      [ascii('cconstructor\nconstructor\n.'), 'names constructor.constructor'],
      [ascii("(S'id'\nios\nsystem\n."), 'holds the instruction INST'],
      [ascii('Pfile\n.'), 'holds the instruction PERSID'],
      [ascii('NQ.'), 'holds the instruction BINPERSID'],
      [ascii('\x82\x01.'), 'holds the instruction EXT1'],
      [ascii('\x97.'), 'holds the instruction NEXT_BUFFER'],
      [ascii('N)R.'), 'calls what is no class'],
      [ascii('cuuid\nUUID\n.'), 'holds the class uuid.UUID'],
      [ascii('ccopy_reg\n_reconstructor\n(cdatetime\ndate\nc__builtin__\nobject\nNtR.'), 'builds an instance'],
      [ascii('}}b.'), 'sets attributes of an instance'],
    ]
    for (const [bytes, reason] of refusals) {
      expect(() => loads(bytes)).toThrow(expect.objectContaining({ code: 'CONTENT_DISALLOWED' }))
      expect(() => loads(bytes)).toThrow(reason)
    }
  })

  it('has an answer to each instruction that Python knows', () => {
    expect(Object.keys(opcodes)).toHaveLength(68)
    expect(new Set(Object.values(opcodes)).size).toBe(68)
  })

  it('never does worse than to say no, whatever the bytes', () => {
    const program = fc.array(fc.oneof(fc.constantFrom(...Object.values(opcodes)), fc.nat(255)), { maxLength: 60 })
    fc.assert(
      fc.property(program, (bytes) => {
        try {
          loads(Uint8Array.from(bytes))
        } catch (error) {
          expect(error).toBeInstanceOf(CeleryError)
        }
      }),
      { numRuns: 5_000 },
    )
  })

  it('does not read beyond its end', () => {
    for (const text of [
      '',
      '\x80',
      'K',
      'X\xff\xff\xff\xff',
      'I12',
      '\x8e\xff\xff\xff\xff\xff\xff\xff\xff',
      ']',
      '.',
      'a.',
    ])
      expect(() => loads(ascii(text))).toThrow(expect.objectContaining({ code: 'DECODE_ERROR' }))
  })

  it('keeps what is shared shared, circles too, and sets no prototype', () => {
    const [first, second] = loads(ascii('](]q\x00h\x00e.')) as [unknown, unknown]
    expect(first).toBe(second)
    const circle = loads(ascii(']q\x00h\x00a.')) as unknown[]
    expect(circle[0]).toBe(circle)
    const object = loads(dumps(new Map([['__proto__', new Map([['polluted', true]])]])))
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype)
    expect(object).toEqual({})
  })

  it('stops at a depth that no honest value has', () => {
    expect(() => loads(ascii(`${']'.repeat(50_000)}${'a'.repeat(49_999)}.`))).toThrow('nested more than')
  })

  it('gives an exception as data', () => {
    expect(loads(ascii("cexceptions\nValueError\n(S'no good'\nI42\ntR."))).toEqual({
      exc_type: 'ValueError',
      exc_message: ['no good', 42],
      exc_module: 'builtins',
    })
  })
})

/** What a caller gets has ordinary prototypes. */
function withoutPrototypes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPrototypes)
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, withoutPrototypes(item)]))
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutPrototypes(item)]))
}
