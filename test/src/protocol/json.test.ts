import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dumps, isoDate, loads, parseIsoDate } from '../../../src/protocol/json.ts'

describe('JSON as kombu has it', () => {
  it('reads back whatever plain JSON it wrote', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        fc.pre(!text.includes('"__proto__"')) // dropped, see below
        expect(loads(dumps(JSON.parse(text)))).toEqual(JSON.parse(text))
      }),
    )
  })

  it('writes dates and bytes as typed values that Python decodes', () => {
    expect(dumps({ at: new Date('2024-01-02T03:04:05Z') })).toBe(
      '{"at":{"__type__":"datetime","__value__":"2024-01-02T03:04:05.000000+00:00"}}',
    )
    expect(dumps(new TextEncoder().encode('bär'))).toBe('{"__type__":"bytes","__value__":"bär"}')
    expect(dumps(new Uint8Array([0xff, 0xfe]))).toBe('{"__type__":"base64","__value__":"//4="}')
  })

  it.each([
    ['{"__type__":"datetime","__value__":"2024-01-02T03:04:05+00:00"}', new Date('2024-01-02T03:04:05Z')],
    ['{"__type__":"bytes","__value__":"hé"}', new TextEncoder().encode('hé')],
    ['{"__type__":"base64","__value__":"//4="}', new Uint8Array([0xff, 0xfe])],
    ['{"__type__":"date","__value__":"2024-01-02"}', '2024-01-02'],
    ['{"__type__":"time","__value__":"03:04:00"}', '03:04:00'],
    ['{"__type__":"decimal","__value__":"1.50"}', '1.50'],
    [
      '{"__type__":"uuid","__value__":{"hex":"00000000000000000000000000000001"}}',
      '00000000-0000-0000-0000-000000000001',
    ],
  ])('reads the typed value %s', (text, value) => {
    expect(loads(text)).toEqual(value)
  })

  it('reads what Python writes beyond the standard', () => {
    expect(loads('[NaN, Infinity, -Infinity, "NaN", "\\"NaN"]')).toEqual([
      Number.NaN,
      Infinity,
      -Infinity,
      'NaN',
      '"NaN',
    ])
    expect(loads('{"n": 123456789012345678901}')).toEqual({ n: 123456789012345678901n })
  })

  it('writes special numbers and large integers as Python reads them', () => {
    expect(dumps([Number.NaN, Infinity, -Infinity, 12345678901234567890n])).toBe(
      '[NaN,Infinity,-Infinity,12345678901234567890]',
    )
  })

  it.each(['{"__proto__": {"polluted": 1}}', '{"\\u005f_proto__": {"polluted": 1}}', '[{"a": {"__proto__": 1}}]'])(
    'drops the key that would set a prototype: %s',
    (text) => {
      expect(JSON.stringify(loads(text))).not.toContain('__proto__')
      expect(Object.assign({}, loads(text))).not.toHaveProperty('polluted')
    },
  )

  it('refuses by name what has no JSON form', () => {
    expect(() => dumps({ f: () => 1 })).toThrow('a function cannot be sent as JSON')
    expect(() => dumps(new Map())).toThrow('a Map cannot be sent as JSON')
    for (const value of [/x/, new Error('x'), Promise.resolve(), [].values()])
      expect(() => dumps(value)).toThrow('cannot be sent')
    const circle: unknown[] = []
    circle.push(circle)
    expect(() => dumps(circle)).toThrow('circular')
  })

  it('takes a time without an offset as UTC, and no time as none', () => {
    expect(parseIsoDate('2026-11-20T09:22:09.147628')?.toISOString()).toBe('2026-11-20T09:22:09.147Z')
    expect(parseIsoDate('2026-11-20T10:22:09+01:00')?.toISOString()).toBe('2026-11-20T09:22:09.000Z')
    expect(parseIsoDate('tomorrow')).toBeUndefined()
    expect(isoDate(new Date(0))).toBe('1970-01-01T00:00:00.000000+00:00')
  })
})
