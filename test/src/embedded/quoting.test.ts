import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { quoted, splitWords } from '../../../src/embedded/quoting.ts'

describe('a quoted word', () => {
  it('prints on one line', () => {
    expect(quoted('a "b" \\ \r\n\t\x00\xff')).toBe('"a \\"b\\" \\\\ \\r\\n\\t\\x00\\xff"')
  })

  it('reads back as it was', () => {
    const bytes = fc.uint8Array().map((array) => Buffer.from(array).toString('latin1'))
    fc.assert(
      fc.property(fc.array(bytes), (words) => {
        expect(splitWords(words.map(quoted).join(' '))).toEqual(words)
      }),
    )
  })
})

describe('an inline command', () => {
  it('is split at blanks, and nowhere else', () => {
    expect(splitWords('  set\tkey   a\xa0b ')).toEqual(['set', 'key', 'a\xa0b'])
    expect(splitWords('')).toEqual([])
    expect(splitWords('pre"fix and" rest')).toEqual(['prefix and', 'rest'])
  })

  it('must close its quotes, at the end of a word', () => {
    expect(splitWords('"open')).toBeUndefined()
    expect(splitWords("it's")).toBeUndefined()
    expect(splitWords('"a"b')).toBeUndefined()
  })
})
