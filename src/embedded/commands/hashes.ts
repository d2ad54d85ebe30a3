import { int64, pairwise } from '../arguments.ts'
import { type CommandTable, read, write } from '../command.ts'
import type { Database } from '../database.ts'
import { addDecimals } from '../decimal.ts'
import { refuse, texts, wrongArity } from '../redis-error.ts'
import { ok } from '../reply.ts'
import { replyScan } from './scanning.ts'

/** Hashes: fields with values. */
export const hashCommands = {
  hset: write(-4, ({ db }, [key, ...words]) => setFields(db, key, words, 'hset')),
  hmset: write(-4, ({ db }, [key, ...words]) => {
    setFields(db, key, words, 'hmset')
    return ok
  }),
  hsetnx: write(4, ({ db }, [key, field, value]) =>
    db.open(key, 'hash').has(field) ? 0 : setFields(db, key, [field, value], 'hsetnx'),
  ),
  hget: read(3, ({ db }, [key, field]) => db.open(key, 'hash').get(field) ?? null),
  hmget: read(-3, ({ db }, [key, ...fields]) => {
    const hash = db.open(key, 'hash')
    return fields.map((field) => hash.get(field) ?? null)
  }),
  // A copy: a transaction's replies are written when later commands have already changed the hash.
  hgetall: read(2, ({ db }, [key]) => new Map(db.open(key, 'hash'))),
  hkeys: read(2, ({ db }, [key]) => [...db.open(key, 'hash').keys()]),
  hvals: read(2, ({ db }, [key]) => [...db.open(key, 'hash').values()]),
  hlen: read(2, ({ db }, [key]) => db.open(key, 'hash').size),
  hexists: read(3, ({ db }, [key, field]) => (db.open(key, 'hash').has(field) ? 1 : 0)),
  hstrlen: read(3, ({ db }, [key, field]) => db.open(key, 'hash').get(field)?.length ?? 0),
  hdel: write(-3, ({ db }, [key, ...fields]) => {
    const hash = db.open(key, 'hash')
    const removed = fields.filter((field) => hash.delete(field)).length
    if (removed > 0) db.keep(key, hash)
    return removed
  }),
  hincrby: write(4, ({ db }, [key, field, by]) => {
    const increment = int64(by)
    const hash = db.open(key, 'hash')
    const sum = int64(hash.get(field) ?? '0', 'ERR hash value is not an integer') + increment
    if (BigInt.asIntN(64, sum) !== sum) refuse(texts.overflow)
    db.keep(key, hash.set(field, String(sum)))
    return sum
  }),
  hincrbyfloat: write(4, ({ db }, [key, field, by]) => {
    const hash = db.open(key, 'hash')
    const sum = addDecimals(hash.get(field) ?? '0', by, hashRefusals)
    db.keep(key, hash.set(field, sum))
    return sum
  }),
  hscan: read(-3, ({ db }, [key, cursor, ...words]) => {
    const hash = db.read(key, 'hash')
    return replyScan(cursor, words, hash, (field) => [field, hash?.get(field) ?? ''])
  }),
} satisfies CommandTable

const hashRefusals = {
  notFloat: 'ERR hash value is not a float',
  infiniteIncrement: 'ERR value is NaN or Infinity',
}

function setFields(db: Database, key: string, words: readonly string[], command: string): number {
  if (words.length % 2 !== 0) refuse(wrongArity(command))
  const hash = db.open(key, 'hash')
  const before = hash.size
  for (const [field, value] of pairwise(words)) hash.set(field, value)
  db.keep(key, hash)
  return hash.size - before
}
