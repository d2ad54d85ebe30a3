import { readFileSync } from 'node:fs'
import { messageOf } from '../errors.ts'
import { interpolate, type Lookup } from './interpolate.ts'

/** What a file says, or where it cannot be read. */
export type DotenvResult =
  | { readonly ok: true; readonly values: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly line: number; readonly problem: string }

/** `raw`: everything behind the first `=` of a line is the value, quotes and all. */
export type EnvFileFormat = 'raw'

/** How an environment file is to be read. */
export interface DotenvOptions {
  readonly format?: EnvFileFormat | undefined
  /** What earlier files say: its variables can be used, and are part of the result. */
  readonly earlier?: Readonly<Record<string, string>>
}

/** Reads an environment file from the disk; one that cannot be read says so as one that makes no sense does. */
export function readDotenv(file: string, lookup: Lookup, { format, earlier }: DotenvOptions = {}): DotenvResult {
  try {
    const text = readFileSync(file, 'utf8')
    return format === 'raw' ? parseRaw(text, lookup, earlier) : parseDotenv(text, lookup, earlier)
  } catch (thrown) {
    return { ok: false, line: 1, problem: `it cannot be read: ${messageOf(thrown)}` }
  }
}

/**
 * Reads the text of an environment file by Compose's grammar: `KEY=value`, `KEY: value`, `export KEY=value`, a bare `KEY` that
 * takes over the value `lookup` knows; values plain (up to ` #`), in double quotes (escapes, variables) or in single
 * quotes (as they are), both over several lines.
 */
export function parseDotenv(
  text: string,
  lookup: Lookup,
  earlier: Readonly<Record<string, string>> = {},
): DotenvResult {
  const values: Record<string, string> = { ...earlier }
  const known: Lookup = (name) => lookup(name) ?? values[name]
  let rest = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n')
  const total = rest.length
  const fail = (problem: string): DotenvResult => ({
    ok: false,
    line: text.slice(0, total - rest.length).split('\n').length,
    problem,
  })
  while (true) {
    rest = rest.replace(/^(\s+|#[^\n]*)+/, '')
    if (rest === '') return { ok: true, values }
    const head = /^(?:export[^\S\n]+)?([^\s=:#'"]+)[^\S\n]*([=:]|\n|$)[^\S\n]*/.exec(rest)
    const [whole = '', key = '', separator] = head ?? []
    if (!head || !/^[\p{L}\p{N}_.[\]-]+$/u.test(key)) {
      // The line itself is not shown: it may be the rest of a password.
      return fail('a line must be KEY=value; a value of several lines stands in quotes')
    }
    rest = rest.slice(whole.length)
    if (separator === '=' || separator === ':') {
      const value = readValue(rest)
      if (value === undefined) return fail(`unterminated quoted value of ${key}`)
      const result = value.literal ? undefined : interpolate(value.text, known)
      if (result && !result.ok) return fail(result.problem)
      values[key] = result?.text ?? value.text
      rest = rest.slice(value.length)
    } else {
      const inherited = lookup(key)
      if (inherited !== undefined) values[key] = inherited
    }
  }
}

/** As `docker run --env-file` reads it: no quotes, no variables, no comments behind a value. */
function parseRaw(text: string, lookup: Lookup, earlier: Readonly<Record<string, string>> = {}): DotenvResult {
  const values: Record<string, string> = { ...earlier }
  for (const [index, whole] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = whole.trimStart()
    if (line === '' || line.startsWith('#')) continue
    const [, key = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(line) ?? []
    if (key === '' || /\s/.test(key)) return { ok: false, line: index + 1, problem: 'a line must be KEY=value' }
    const known = value ?? lookup(key)
    if (known !== undefined) values[key] = known
  }
  return { ok: true, values }
}

interface Value {
  readonly text: string
  /** Single quotes: nothing in it is replaced. */
  readonly literal: boolean
  readonly length: number
}

function readValue(text: string): Value | undefined {
  const quote = text[0]
  if (quote !== '"' && quote !== "'") {
    const line = text.split('\n', 1)[0] ?? ''
    return { text: (line.split(' #', 1)[0] ?? '').trimEnd(), literal: false, length: line.length }
  }
  const match = (quote === '"' ? /^"((?:[^"\\]|\\.)*)"/s : /^'((?:[^'\\]|\\.)*)'/s).exec(text)
  if (!match) return undefined
  const inner = match[1] ?? ''
  return quote === '"'
    ? { text: inner.replace(/\\(["\\abfnrtv$])/g, expandEscape), literal: false, length: match[0].length }
    : { text: inner.replaceAll("\\'", "'"), literal: true, length: match[0].length }
}

// `\$` becomes `$$`, which interpolation turns into a dollar sign that stands for itself.
const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  $: '$$',
}

function expandEscape(_: string, char: string): string {
  return escapes[char] ?? char
}
