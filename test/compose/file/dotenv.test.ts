import { describe, expect, it } from 'vitest'
import { parseDotenv } from '../../../compose/file/dotenv.ts'

function values(text: string, env: Record<string, string> = {}) {
  const result = parseDotenv(text, (name) => env[name])
  return result.ok ? result.values : { line: result.line, problem: result.problem }
}

describe('an environment file', () => {
  it('holds plain values up to a comment', () => {
    expect(values('A=1\nB = two words  # comment\nC=a#b\n\n# comment\nexport D=4\nE: yaml\nF=')).toEqual({
      A: '1',
      B: 'two words',
      C: 'a#b',
      D: '4',
      E: 'yaml',
      F: '',
    })
  })

  it('interprets double quotes and takes single quotes as they are', () => {
    expect(values('A="a\\tb\\n\\"c\\" \\$X"\nB=\'a\\tb $X\'\nC="two\nlines"\nD=\'it\\\'s\'')).toEqual({
      A: 'a\tb\n"c" $X',
      B: 'a\\tb $X',
      C: 'two\nlines',
      D: "it's",
    })
  })

  it('replaces variables by those above and by the environment, which wins', () => {
    expect(values(`A=1\nB=\${A}-\${X}-\${Y:-y}\nC="$A"`, { X: 'x', A: 'outer' })).toEqual({
      A: '1',
      B: 'outer-x-y',
      C: 'outer',
    })
  })

  it('lets a bare key take over a value, if there is one', () => {
    expect(values('A\nB\nC=3', { A: 'inherited' })).toEqual({ A: 'inherited', C: '3' })
  })

  it('forgives a byte order mark and Windows line ends', () => {
    expect(values('\uFEFFA=1\r\nB=2\r\n')).toEqual({ A: '1', B: '2' })
  })

  it('says on which line it cannot be read', () => {
    expect(values('A=1\n\nB C=2')).toMatchObject({ line: 3 })
    expect(JSON.stringify(values('PASSWORD=se\ncret word'))).not.toContain('cret')
    expect(JSON.stringify(values(`PASSWORD=secret\${oops`))).not.toContain('secret')
    expect(values('A=1\nB="open')).toEqual({ line: 2, problem: 'unterminated quoted value of B' })
    expect(values(`A=\${B?needed}`)).toEqual({ line: 1, problem: 'required variable B is missing a value: needed' })
  })
})
