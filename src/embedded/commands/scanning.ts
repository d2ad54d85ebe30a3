import { integer, type Options, readOptions } from '../arguments.ts'
import { glob } from '../glob.ts'
import { refuse, texts } from '../redis-error.ts'
import type { Reply } from '../reply.ts'
import { parseCursor, scanPage } from '../scan.ts'

interface Scannable {
  readonly size: number
  keys(): Iterable<string>
}

/** The answer of HSCAN, SSCAN and ZSCAN: the next cursor, and what `show` makes of each element of the page. */
export function replyScan(
  cursor: string,
  words: readonly string[],
  elements: Scannable | undefined,
  show: (name: string) => readonly string[],
): Reply {
  const start = parseCursor(cursor)
  return elements ? scanFrom(start, readOptions(words, { match: 1, count: 1 }), elements, show) : ['0', []]
}

/** The same for SCAN, which has one option more. */
export function scanFrom(
  cursor: number,
  options: Options<{ match: 1; count: 1 }>,
  elements: Scannable,
  show: (name: string) => readonly string[],
): Reply {
  const count = integer(options.count ?? '10')
  if (count < 1) refuse(texts.syntax)
  const page = scanPage(elements.keys(), elements.size, cursor, count)
  const matches = options.match === undefined ? () => true : glob(options.match)
  return [String(page.cursor), page.names.filter(matches).flatMap(show)]
}
