import { integer, readOptions } from '../arguments.ts'
import { type CommandTable, type Context, read, write } from '../command.ts'
import type { Database } from '../database.ts'
import { glob } from '../glob.ts'
import { refuse, texts } from '../redis-error.ts'
import { ok, status } from '../reply.ts'
import { parseCursor } from '../scan.ts'
import { copyOf, kindOf, type Value } from '../values/value.ts'
import { scanFrom } from './scanning.ts'

/** Keys, whatever they hold. */
export const keyCommands = {
  del: write(-2, ({ db }, names) => removeAll(db, names)),
  unlink: write(-2, ({ db }, names) => removeAll(db, names)),
  exists: read(-2, ({ db }, names) => names.filter((key) => db.has(key)).length),
  touch: read(-2, ({ db }, names) => names.filter((key) => db.has(key)).length),
  type: read(2, ({ db }, [key]) => {
    const value = db.get(key)
    return status(value === undefined ? 'none' : kindOf(value))
  }),
  keys: read(2, ({ db }, [pattern]) => [...db.keys()].filter(glob(pattern))),
  scan: read(-2, ({ db }, [cursor, ...words]) => {
    const start = parseCursor(cursor)
    const options = readOptions(words, { match: 1, count: 1, type: 1 })
    const kind = options.type?.toLowerCase()
    const isWanted = (key: string) => kind === undefined || kindOf(db.get(key) ?? '') === kind
    return scanFrom(start, options, db, (key) => (isWanted(key) ? [key] : []))
  }),
  randomkey: read(1, ({ db }) => {
    const names = [...db.keys()]
    return names[Math.floor(Math.random() * names.length)] ?? null
  }),
  rename: write(3, ({ db }, [key, target]) => {
    rename(db, key, target)
    return ok
  }),
  renamenx: write(3, ({ db }, [key, target]) => {
    if (!db.has(key)) refuse(texts.noSuchKey)
    if (db.has(target)) return 0
    rename(db, key, target)
    return 1
  }),
  copy: write(-3, (context, [key, target, ...words]) => copy(context, key, target, words)),
  move: write(3, ({ server, db }, [key, index]) => {
    const target = server.database(integer(index))
    if (target === db) refuse('ERR source and destination objects are the same')
    const value = db.get(key)
    if (value === undefined || target.has(key)) return 0
    target.put(key, value, db.deadline(key))
    db.remove(key)
    return 1
  }),
  'object|encoding': read(2, ({ db }, [key]) => {
    const value = db.get(key)
    return value === undefined ? null : encodingOf(value)
  }),
  'object|refcount': read(2, ({ db }, [key]) => (db.has(key) ? 1 : null)),
} satisfies CommandTable

function removeAll(db: Database, names: readonly string[]): number {
  return names.filter((key) => db.has(key) && db.remove(key)).length
}

function rename(db: Database, key: string, target: string): void {
  const value = db.get(key) ?? refuse(texts.noSuchKey)
  if (key === target) return
  const deadline = db.deadline(key)
  db.remove(key)
  db.put(target, value, deadline)
}

function copy({ server, db }: Context, key: string, target: string, words: readonly string[]): number {
  const options = readOptions(words, { db: 1, replace: 0 })
  const targetDb = options.db === undefined ? db : server.database(integer(options.db))
  if (targetDb === db && key === target) refuse('ERR source and destination objects are the same')
  const value = db.get(key)
  if (value === undefined || (targetDb.has(target) && !options.replace)) return 0
  targetDb.put(target, copyOf(value), db.deadline(key))
  return 1
}

/** The name Redis 7.0 has for the way it would keep such a value; nothing here is kept that way. */
function encodingOf(value: Value): string {
  if (typeof value === 'string') return isInteger(value) ? 'int' : value.length <= 44 ? 'embstr' : 'raw'
  const kind = kindOf(value)
  if (kind === 'list') return 'quicklist'
  if (kind === 'set') return value instanceof Set && [...value].every(isInteger) ? 'intset' : 'hashtable'
  if (value.size <= 128) return 'listpack'
  return kind === 'hash' ? 'hashtable' : 'skiplist'
}

function isInteger(text: string): boolean {
  return /^(?:0|-?[1-9]\d{0,17})$/.test(text)
}
