import { expect, it } from 'vitest'
import { loads } from '../../src/protocol/pickle/decode.ts'
import { dumps } from '../../src/protocol/pickle/encode.ts'
import { describeWith, parts } from '../support/parts.ts'
import { run } from '../support/process.ts'

/** What Python prints when it runs the lines. */
async function python(...lines: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(parts().python.path, ['-c', lines.join('\n')])
  if (code !== 0) throw new Error(stderr)
  return stdout.trim()
}

const imports = 'import base64, collections, datetime, decimal, pickle, uuid; from datetime import *'

/** Python expressions, and what they are here. */
const values: [source: string, value: unknown][] = [
  ['None', null],
  ['[True, False]', [true, false]],
  ['[0, -1, 255, 256, 65536, -2**31, 2**31, 2**53 - 1]', [0, -1, 255, 256, 65_536, -(2 ** 31), 2 ** 31, 2 ** 53 - 1]],
  ['[2**64, -2**64, 2**4000]', [2n ** 64n, -(2n ** 64n), 2n ** 4000n]],
  ['[0.5, -0.0, float("inf"), float("-inf"), float("nan")]', [0.5, -0, Infinity, -Infinity, Number.NaN]],
  ['"smörgås 🥬\\n\\\\ \\u2028"', 'smörgås 🥬\n\\ \u2028'],
  ['"x" * 300', 'x'.repeat(300)],
  ['[b"", bytes(range(256))]', [new Uint8Array(), Uint8Array.from({ length: 256 }, (_, i) => i)]],
  ['bytearray(b"ab\\xff")', Uint8Array.of(97, 98, 255)],
  ['(1, (2, 3), (), (1, 2, 3, 4))', [1, [2, 3], [], [1, 2, 3, 4]]],
  ['{"a": {"b": []}, "c": {}}', { a: { b: [] }, c: {} }],
  [
    '{1: "a", (2, 3): "b"}',
    new Map<unknown, unknown>([
      [1, 'a'],
      [[2, 3], 'b'],
    ]),
  ],
  ['{1, 2}', new Set([1, 2])],
  ['frozenset("a")', new Set(['a'])],
  ['collections.OrderedDict(z=1, a=2)', { z: 1, a: 2 }],
  ['datetime(2026, 11, 20, 9, 22, 33, 17161)', new Date('2026-11-20T09:22:33.017Z')],
  ['datetime(2026, 11, 20, 9, 22, 33, tzinfo=timezone.utc)', new Date('2026-11-20T09:22:33Z')],
  ['datetime(2026, 11, 20, 9, tzinfo=timezone(timedelta(hours=-5, minutes=30)))', new Date('2026-11-20T13:30:00Z')],
  ['datetime(1, 1, 1, fold=1)', new Date('0001-01-01T00:00:00Z')],
  ['date(2026, 2, 3)', '2026-02-03'],
  [
    '[time(1, 2, 3, 4), time(5, fold=1), time(6, tzinfo=timezone.utc)]',
    ['01:02:03.000004', '05:00:00', '06:00:00+00:00'],
  ],
  ['timedelta(days=1, seconds=2, microseconds=500000)', 86_402.5],
  ['decimal.Decimal("1.50")', '1.50'],
  ['uuid.UUID("00000000-0000-4000-8000-0000000000ff")', '00000000-0000-4000-8000-0000000000ff'],
  ['ValueError("no good", 42)', { exc_type: 'ValueError', exc_message: ['no good', 42], exc_module: 'builtins' }],
  ['(lambda shared: [shared, shared])([1])', [[1], [1]]],
]

describeWith(['python'], 'pickles of Python', () => {
  for (const protocol of [0, 1, 2, 3, 4, 5]) {
    it(`of protocol ${protocol} are read`, async () => {
      const all = `[${values.map(([source]) => source).join(', ')}]`
      const printed = await python(
        imports,
        `for v in ${all}: print(base64.b64encode(pickle.dumps(v, ${protocol})).decode())`,
      )
      const read = printed.split('\n').map((line) => loads(Buffer.from(line, 'base64')))
      for (const [i, [source, value]] of values.entries()) expect(read[i], source).toEqual(value)
    })
  }

  it('that would run a command run nothing', async () => {
    const printed = await python(
      imports,
      'import os',
      'class Bomb:\n  def __reduce__(self): return os.system, ("echo pwned >&2; exit 1",)',
      'for p in range(6): print(base64.b64encode(pickle.dumps({"result": [Bomb()]}, p)).decode())',
    )
    for (const line of printed.split('\n')) {
      expect(() => loads(Buffer.from(line, 'base64'))).toThrow('names posix.system')
    }
  })

  it('are what Python itself would have written', async () => {
    const plain = {
      none: null,
      numbers: [0, 255, 256, 65_536, -1, 2 ** 31, -(2 ** 40), 2n ** 100n, -(2n ** 100n), 0.5],
      text: ['', 'smörgås 🥬', 'x'.repeat(300)],
      bytes: [new Uint8Array(), new Uint8Array(300).fill(7)],
      set: new Set([1, 2]),
      map: new Map<unknown, unknown>([[1, 'a']]),
      when: new Date('2026-11-20T09:22:33.017Z'),
      empty: [{}, []],
    }
    const same = `{'none': None, 'numbers': [0, 255, 256, 65536, -1, 2**31, -2**40, 2**100, -2**100, 0.5],
      'text': ['', 'smörgås 🥬', 'x' * 300], 'bytes': [b'', b'\\x07' * 300], 'set': {1, 2}, 'map': {1: 'a'},
      'when': datetime(2026, 11, 20, 9, 22, 33, 17000, tzinfo=timezone.utc), 'empty': [{}, []]}`
    const text = Buffer.from(dumps(plain)).toString('base64')
    expect(await python(imports, `print(pickle.loads(base64.b64decode("${text}")) == ${same})`)).toBe('True')
  })
})
