import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RequestParser } from '../../../src/embedded/request.ts'
import { request } from './wire-client.ts'

function parseAll(chunks: string[], trusted = true): string[][] {
  const parser = new RequestParser()
  const requests: string[][] = []
  for (const chunk of chunks) {
    parser.push(Buffer.from(chunk, 'latin1'))
    for (let next = parser.next(trusted); next; next = parser.next(trusted)) requests.push(next)
  }
  return requests
}

/** A text cut into pieces at the given places. */
function cut(text: string, places: number[]): string[] {
  const edges = [0, ...places.map((place) => place % (text.length + 1)).sort((a, b) => a - b), text.length]
  return edges.slice(1).map((edge, index) => text.slice(edges[index], edge))
}

const bytes = fc.uint8Array().map((array) => Buffer.from(array).toString('latin1'))

describe('a request', () => {
  it('is read whole however its bytes are cut, whatever they are', () => {
    const requests = fc.array(fc.array(bytes, { minLength: 1 }))
    fc.assert(
      fc.property(requests, fc.array(fc.nat()), (expected, places) => {
        expect(parseAll(cut(expected.map(request).join(''), places))).toEqual(expected)
      }),
    )
  })

  it('may be typed by hand, with quotes', () => {
    const typed = 'PING\r\n\r\n  set key "two words"\nset other \'it\\\'s\' "\\x41\\n\\""\r\n'
    expect(parseAll([typed])).toEqual([['PING'], ['set', 'key', 'two words'], ['set', 'other', "it's", 'A\n"']])
  })

  it('may be empty, which is no request', () => {
    expect(parseAll(['*0\r\n*-1\r\n\r\n*1\r\n$4\r\nPING\r\n'])).toEqual([['PING']])
  })

  it('holds a large value that comes in many pieces', () => {
    const value = 'x'.repeat(3_000_000)
    const text = request(['SET', 'key', value])
    const places = Array.from({ length: 45 }, (_, index) => index * 65_536)
    expect(parseAll(cut(text, places))).toEqual([['SET', 'key', value]])
  })

  const broken: [bytes: string, message: string][] = [
    ['*x\r\n', 'invalid multibulk length'],
    ['*\r\n', 'invalid multibulk length'],
    ['*2147483648\r\n', 'invalid multibulk length'],
    ['*1\r\n+PING\r\n', "expected '$', got '+'"],
    ['*1\r\n$x\r\n', 'invalid bulk length'],
    ['*1\r\n$-1\r\n', 'invalid bulk length'],
    ['*1\r\n$536870913\r\n', 'invalid bulk length'],
    ['"open\r\n', 'unbalanced quotes in request'],
    ['"word"and more\r\n', 'unbalanced quotes in request'],
    ['x'.repeat(70_000), 'too big inline request'],
    [`*${'1'.repeat(70_000)}`, 'too big mbulk count string'],
    [`*1\r\n$${'1'.repeat(70_000)}`, 'too big bulk count string'],
  ]
  for (const [text, message] of broken) {
    it(`is refused when it starts ${JSON.stringify(text.slice(0, 20))}: ${message}`, () => {
      expect(() => parseAll([text])).toThrow(message)
    })
  }

  it('is kept small until its sender has authenticated', () => {
    expect(() => parseAll(['*11\r\n'], false)).toThrow('unauthenticated multibulk length')
    expect(() => parseAll(['*1\r\n$16385\r\n'], false)).toThrow('unauthenticated bulk length')
    expect(parseAll([request(['HELLO', '3', 'AUTH', 'default', 'secret'])], false)).toHaveLength(1)
  })
})
