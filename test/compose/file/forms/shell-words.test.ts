import { describe, expect, it } from 'vitest'
import { shellWords } from '../../../../compose/file/forms/shell-words.ts'

describe('a command line', () => {
  it.each([
    ['redis-server --save ""', ['redis-server', '--save', '']],
    [`sh -c 'echo "a b" $x'`, ['sh', '-c', 'echo "a b" $x']],
    ['a "b\\"c" \'d\\e\' f\\ g', ['a', 'b"c', 'd\\e', 'f g']],
    ['a\\tb', ['atb']],
    ['echo `a b` $(c d) e', ['echo', '`a b`', '$(c d)', 'e']],
    ['  ', []],
  ])('%j has the words %j', (line, words) => {
    expect(shellWords(line)).toEqual({ words, cutAt: undefined })
  })

  it.each([
    ['a && b', ['a'], '&'],
    ['a; b', ['a'], ';'],
    ['a 2>b', ['a'], '>'],
    ['a2>b', ['a2'], '>'],
  ])('%j ends at the operator, as in Compose', (line, words, cutAt) => {
    expect(shellWords(line)).toEqual({ words, cutAt })
  })

  it.each(['"open', "it's", 'a\\', 'a (b)', 'a ) b', '$(open'])('%j is none', (line) => {
    expect(shellWords(line)).toBeUndefined()
  })
})
