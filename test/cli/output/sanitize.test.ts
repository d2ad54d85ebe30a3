import { describe, expect, it } from 'vitest'
import { sanitize, sanitizeColored } from '../../../cli/output/sanitize.ts'

describe('text from elsewhere', () => {
  it.each([
    ['a clipboard write (OSC 52)', 'a\x1b]52;c;ZXZpbA==\x07b', 'ab'],
    ['a title (OSC 0)', 'a\x1b]0;title\x1b\\b', 'ab'],
    ['a link (OSC 8)', '\x1b]8;;https://evil.test\x1b\\click\x1b]8;;\x1b\\', 'click'],
    ['a cleared screen', 'a\x1b[2J\x1b[Hb', 'ab'],
    ['colours', '\x1b[31mred\x1b[0m', 'red'],
    ['a device control string', 'a\x1bP1$q"p\x1b\\b', 'ab'],
    ['C1 forms of the same', 'a\x9b2Jb\x9d0;t\x9cc', 'abc'],
    ['a reset', 'a\x1bcb', 'ab'],
    ['bells, backspaces and carriage returns', 'a\x07\x08\rb', 'ab'],
    ['a reordering of text', 'a\u202egnp.exe\u202c', 'agnp.exe'],
    ['an Arabic letter mark and an isolate', 'a\u061cb\u2067c\u2069', 'abc'],
    ['line ends of Unicode', 'a\u2028b\u2029c', 'abc'],
    ['tags that nobody sees', 'a\u{e0041}\u{e007f}b', 'ab'],
    ['invisible marks', 'a\u200bb\ufeffc', 'abc'],
    ['a sequence that never ends', 'a\x1b]52;c;AAAA', 'a'],
    ['a lone escape at the end', 'a\x1b', 'a'],
  ])('loses %s', (_, hostile, harmless) => {
    expect(sanitize(hostile)).toBe(harmless)
  })

  it('keeps its lines, tabs and letters', () => {
    expect(sanitize('smörgås\t🥬\nnext')).toBe('smörgås\t🥬\nnext')
  })

  it.each([
    ['several at once', '\x1b[1;31mred\x1b[0m plain\x1b[m'],
    ['with zeros before', '\x1b[01;33myellow\x1b[00m'],
  ])('keeps colours of letters, %s', (_, text) => {
    expect(sanitizeColored(text)).toBe(text)
  })

  it.each([
    ['a hidden letter among colours', '\x1b[31;8mx'],
    ['black letters', '\x1b[30mx'],
    ['a background', '\x1b[1;42mx'],
    ['a colour by number', '\x1b[38;5;16mx'],
    ['a cursor that ends like a colour', '\x1b[2Jx'],
  ])('loses %s', (_, text) => {
    expect(sanitizeColored(text)).toBe('x')
  })

  it('keeps colours of letters where they are wanted, and nothing else', () => {
    expect(sanitizeColored('\x1b[32mgreen\x1b[39m \x1b[8mhidden\x1b]0;title\x07\x1b[42m')).toBe(
      '\x1b[32mgreen\x1b[39m hidden',
    )
  })
})
