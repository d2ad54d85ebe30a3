import { integer, naturalNumber } from '../arguments.ts'
import { type CommandTable, read, write } from '../command.ts'
import type { Database } from '../database.ts'
import { refuse, texts } from '../redis-error.ts'
import type { Reply } from '../reply.ts'
import { replyScan } from './scanning.ts'

type Members = ReadonlySet<string>

/** Sets: members in no order. */
export const setCommands = {
  sadd: write(-3, ({ db }, [key, ...members]) => {
    const set = db.open(key, 'set')
    const before = set.size
    for (const member of members) set.add(member)
    if (set.size > before) db.keep(key, set)
    return set.size - before
  }),
  srem: write(-3, ({ db }, [key, ...members]) => {
    const set = db.open(key, 'set')
    const removed = members.filter((member) => set.delete(member)).length
    if (removed > 0) db.keep(key, set)
    return removed
  }),
  // A copy: a transaction's replies are written when later commands have already changed the set.
  smembers: read(2, ({ db }, [key]) => new Set(db.open(key, 'set'))),
  sismember: read(3, ({ db }, [key, member]) => (db.open(key, 'set').has(member) ? 1 : 0)),
  smismember: read(-3, ({ db }, [key, ...members]) => {
    const set = db.open(key, 'set')
    return members.map((member) => (set.has(member) ? 1 : 0))
  }),
  scard: read(2, ({ db }, [key]) => db.open(key, 'set').size),
  spop: write(-2, ({ db }, [key, ...words]) => pop(db, key, words)),
  srandmember: read(-2, ({ db }, [key, ...words]) => randomMembers(db, key, words)),
  smove: write(4, ({ db }, [source, destination, member]) => move(db, source, destination, member)),
  sinter: read(-2, ({ db }, keys) => intersection(membersOf(db, keys))),
  sunion: read(-2, ({ db }, keys) => union(membersOf(db, keys))),
  sdiff: read(-2, ({ db }, keys) => difference(membersOf(db, keys))),
  sinterstore: write(-3, ({ db }, [key, ...keys]) => store(db, key, intersection(membersOf(db, keys)))),
  sunionstore: write(-3, ({ db }, [key, ...keys]) => store(db, key, union(membersOf(db, keys)))),
  sdiffstore: write(-3, ({ db }, [key, ...keys]) => store(db, key, difference(membersOf(db, keys)))),
  sscan: read(-3, ({ db }, [key, cursor, ...words]) =>
    replyScan(cursor, words, db.read(key, 'set'), (member) => [member]),
  ),
} satisfies CommandTable

function membersOf(db: Database, keys: readonly string[]): Members[] {
  return keys.map((key) => db.open(key, 'set'))
}

function intersection([first, ...others]: readonly Members[]): Set<string> {
  return new Set([...(first ?? [])].filter((member) => others.every((other) => other.has(member))))
}

function union(sets: readonly Members[]): Set<string> {
  return new Set(sets.flatMap((set) => [...set]))
}

function difference([first, ...others]: readonly Members[]): Set<string> {
  return new Set([...(first ?? [])].filter((member) => !others.some((other) => other.has(member))))
}

function store(db: Database, key: string, members: Set<string>): number {
  if (members.size === 0) db.remove(key)
  else db.put(key, members)
  return members.size
}

function pop(db: Database, key: string, words: readonly string[]): Reply {
  const [count, ...more] = words
  if (more.length > 0) refuse(texts.syntax)
  const limit = naturalNumber(count ?? '1')
  const set = db.open(key, 'set')
  const popped = pick(set, limit)
  for (const member of popped) set.delete(member)
  if (popped.length > 0) db.keep(key, set)
  return count === undefined ? (popped[0] ?? null) : new Set(popped)
}

function randomMembers(db: Database, key: string, words: readonly string[]): Reply {
  const [count, ...more] = words
  if (more.length > 0) refuse(texts.syntax)
  const wanted = integer(count ?? '1')
  const set = db.open(key, 'set')
  if (count === undefined) return pick(set, 1)[0] ?? null
  // A negative count allows repetitions.
  return wanted >= 0 ? pick(set, wanted) : pickRepeatedly(set, -wanted)
}

/** Up to `count` different members, each as likely as any other. */
function pick(set: Members, count: number): string[] {
  const picked: string[] = []
  let left = set.size
  for (const member of set) {
    if (picked.length >= count) break
    if (Math.random() * left < count - picked.length) picked.push(member)
    left -= 1
  }
  return picked
}

function pickRepeatedly(set: Members, count: number): string[] {
  const members = [...set]
  if (members.length === 0) return []
  return Array.from({ length: count }, () => members[Math.floor(Math.random() * members.length)] ?? '')
}

function move(db: Database, source: string, destination: string, member: string): number {
  const from = db.read(source, 'set')
  const to = from && db.open(destination, 'set')
  if (!from || !to || !from.has(member)) return 0
  if (from === to) return 1
  from.delete(member)
  to.add(member)
  db.keep(source, from)
  db.keep(destination, to)
  return 1
}
