import { popItems } from '../commands/list-ends.ts'
import type { NativeScript } from './native-script.ts'

/**
 * The scripts of this library's own transport and result backend, by the name in their first line:
 * `-- celery-sandbox:<name>`. Each does what its Lua text says; one conformance suite holds both to it.
 */

const take: NativeScript = ({ db }, [index = '', unacked = '', ...lists], [count = '0', stem, ...queues]) => {
  const taken: string[] = []
  const scores = db.open(index, 'zset')
  const messages = db.open(unacked, 'hash')
  for (const [i, list] of lists.entries()) {
    for (let left = Number(count) - taken.length / 3; left > 0; left -= 1) {
      const [envelope] = popItems(db, list, 'right', 1) ?? []
      if (envelope === undefined) break
      const tag = `${stem}.${left}`
      scores.set(tag, db.now() / 1000)
      messages.set(
        tag,
        `[${isJsonObject(envelope) ? envelope : JSON.stringify(envelope)}, "", ${JSON.stringify(queues[i])}]`,
      )
      taken.push(list, tag, envelope)
    }
  }
  db.keep(index, scores)
  db.keep(unacked, messages)
  return taken
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

const putBack: NativeScript = (
  { db },
  [index = '', unacked = '', list = ''],
  [tag = '', envelope = '', end, claimedAt = ''],
) => {
  const scores = db.open(index, 'zset')
  if (claimedAt !== '' && (scores.score(tag) ?? 0) > Number(claimedAt)) return 0
  const messages = db.open(unacked, 'hash')
  if (!messages.delete(tag)) return 0
  db.keep(unacked, messages)
  scores.delete(tag)
  db.keep(index, scores)
  const items = db.open(list, 'list')
  items.push(end === 'front' ? 'right' : 'left', envelope)
  db.keep(list, items)
  return 1
}

const stale: NativeScript = ({ db }, [index = ''], [silent, age, prefix = '']) => {
  const now = db.now() / 1000
  const scores = db.open(index, 'zset')
  const count = scores.count(({ score }) => score <= now - Number(silent))
  return scores.slice(0, count).flatMap(({ member, score }) => {
    const isOverdue = score <= now - Number(age)
    return isOverdue || member.startsWith(prefix) ? [member, String(score), isOverdue ? 1 : 0] : []
  })
}

const renew: NativeScript = ({ db }, [index = ''], tags) => {
  const scores = db.open(index, 'zset')
  for (const tag of tags) if (scores.score(tag) !== undefined) scores.set(tag, db.now() / 1000)
  db.keep(index, scores)
  return tags.length
}

const release: NativeScript = ({ db }, [name = ''], [token]) => {
  return db.read(name, 'string') === token && db.remove(name) ? 1 : 0
}

const store: NativeScript = ({ db, publish }, [key = ''], [text = '', expires = '0']) => {
  if (/^\{"status": ?"SUCCESS"/.test(db.read(key, 'string') ?? '')) return 0
  db.put(key, text, expires === '0' ? undefined : db.now() + Number(expires) * 1000)
  publish(key, text)
  return 1
}

const chordEnd: NativeScript = ({ db }, keys, [member = '', at = '', id = '', expires = '0']) => {
  const [ends = '', added = '', size = '', completedBy = ''] = keys
  const score = at === '+inf' ? Number.POSITIVE_INFINITY : Number(at)
  const scores = db.open(ends, 'zset')
  const isKnown = scores.slice().some((entry) => entry.score === score && entry.member.split('"', 2)[1] === id)
  if (!isKnown) scores.set(member, score)
  db.keep(ends, scores)
  const expected = db.read(size, 'string')
  const isComplete = expected !== undefined && scores.size === Number(expected) + Number(db.read(added, 'string') ?? 0)
  if (isComplete && !isKnown) db.put(completedBy, id)
  const present = keys.filter((key) => db.has(key))
  if (expires !== '0') for (const key of present) db.expireAt(key, db.now() + Number(expires) * 1000)
  if (!isComplete || db.read(completedBy, 'string') !== id) return null
  return scores.slice().map((entry) => entry.member)
}

export const nativeScripts: Readonly<Record<string, NativeScript>> = {
  take,
  'put-back': putBack,
  stale,
  renew,
  release,
  store,
  'chord-end': chordEnd,
}
