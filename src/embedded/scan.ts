import { integer } from './arguments.ts'

const hashes = 2 ** 32

export interface Page {
  /** Where to go on; 0 when this was the last page. */
  readonly cursor: number
  readonly names: string[]
}

/**
 * One page of SCAN and its kin, without a memory of the scan. Names lie on a line by their hash; a cursor is a point
 * of it, and a page holds what lies on the next piece, long enough for about `count` names. So whatever stays during
 * the scan is seen exactly once, whatever comes and goes meanwhile. A page reads all names: a scan has at most a hundred.
 */
export function scanPage(names: Iterable<string>, size: number, cursor: number, count: number): Page {
  const end = cursor + (hashes * Math.max(count, size / 100)) / Math.max(1, size)
  const page: string[] = []
  for (const name of names) {
    const point = hash(name)
    if (point >= cursor && point < end) page.push(name)
  }
  return { cursor: end >= hashes ? 0 : Math.ceil(end), names: page }
}

export function parseCursor(text: string): number {
  return integer(text, 'ERR invalid cursor')
}

/** FNV-1a, then mixed so that similar names spread over the whole line. */
function hash(name: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < name.length; at++) value = Math.imul(value ^ name.charCodeAt(at), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
