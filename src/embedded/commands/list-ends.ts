import { countedKeys, positiveInteger, readOptions } from '../arguments.ts'
import type { Database } from '../database.ts'
import { refuse, texts } from '../redis-error.ts'
import type { End } from '../values/deque.ts'

export function parseEnd(word: string): End {
  const end = word.toLowerCase()
  return end === 'left' || end === 'right' ? end : refuse(texts.syntax)
}

/** Takes up to `count` items; undefined when there is no list. */
export function popItems(db: Database, key: string, end: End, count: number): string[] | undefined {
  const list = db.read(key, 'list')
  if (!list) return undefined
  const items: string[] = []
  for (let item = list.pop(end); item !== undefined; item = list.pop(end)) {
    items.push(item)
    if (items.length === count) break
  }
  db.keep(key, list)
  return items
}

/** Moves one item and returns it; undefined when there is none. Takes nothing when the destination is no list. */
export function moveItem(db: Database, source: string, destination: string, from: End, to: End): string | undefined {
  const list = db.read(source, 'list')
  const target = list && db.open(destination, 'list')
  const item = list?.pop(from)
  if (!list || !target || item === undefined) return undefined
  target.push(to, item)
  db.keep(source, list)
  db.keep(destination, target)
  return item
}

/** `numkeys key [key …] LEFT|RIGHT [COUNT count]` */
export function readPopMany(
  size: string,
  words: readonly string[],
): { keys: readonly string[]; end: End; count: number } {
  const { keys, rest } = countedKeys(size, words, 'ERR numkeys should be greater than 0')
  const [end = '', ...more] = rest
  const options = readOptions(more, { count: 1 })
  const count = positiveInteger(options.count ?? '1', 'ERR count should be greater than 0')
  return { keys, end: parseEnd(end), count }
}
