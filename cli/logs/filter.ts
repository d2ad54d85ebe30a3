import type { LogLine } from '../../compose/index.ts'
import type { LogLevel } from '../../src/index.ts'
import { CliError } from '../errors.ts'
import { sanitize } from '../output/sanitize.ts'
import { describeLines, reaches } from './record.ts'

/** Which lines are worth showing; each condition must hold. */
export interface LineWish {
  /** A regular expression. */
  readonly grep?: string | undefined
  /** At least so bad. */
  readonly level?: LogLevel | undefined
  /** About the task of this id or name. */
  readonly task?: string | undefined
}

/**
 * Whether a line is to be shown; asked for every line, in order. Notices always are.
 *
 * @throws {CliError} USAGE with what is wrong in the expression
 */
export async function lineFilter({ grep, level, task }: LineWish): Promise<(line: LogLine) => boolean> {
  const matches = grep === undefined ? () => true : await searching(grep)
  const readers = new Map<string, ReturnType<typeof describeLines>>()
  const readerOf = ({ container, stream }: LogLine) => {
    const key = `${container} ${stream}`
    const reader = readers.get(key) ?? describeLines(task)
    readers.set(key, reader)
    return reader
  }
  return (line) => {
    if (line.stream === 'notice') return true
    const described = level === undefined && task === undefined ? undefined : readerOf(line)(line.text)
    if (described && level !== undefined && !reaches(described.level, level)) return false
    if (described && task !== undefined && !described.isAbout) return false
    return matches(line.text)
  }
}

/**
 * JavaScript's own engine may take for ever over an unlucky line, and anyone may write to a log; RE2's takes as long as
 * the line is, which costs it look-around and back-references.
 */
async function searching(expression: string): Promise<(text: string) => boolean> {
  const { RE2JS } = await import('re2js')
  try {
    const compiled = RE2JS.compile(expression)
    return (text) => compiled.test(sanitize(text))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^error parsing regexp: /, '') : String(cause)
    const next = 'Write it as for Go or RE2: (?i) ignores case; there is no look-around and no back-reference.'
    throw new CliError('USAGE', `--grep: ${why}`, { cause, next })
  }
}
