import { popItems } from '../commands/list-ends.ts'
import type { NativeScript } from './native-script.ts'

/**
 * The scripts of this library's own transport and result backend, by the name in their first line:
 * `-- celery-sandbox:<name>`. Each does what its Lua text says; one conformance suite holds both to it.
 */

const take: NativeScript = ({ db }, [index = '', unacked = '', deadLetters = '', ...lists], [count = '0']) => {
  const taken: string[] = []
  const scores = db.open(index, 'zset')
  const messages = db.open(unacked, 'hash')
  const unreadable = db.open(deadLetters, 'list')
  for (const list of lists) {
    for (let left = Number(count) - taken.length / 3; left > 0; left = Number(count) - taken.length / 3) {
      const [envelope] = popItems(db, list, 'right', 1) ?? []
      if (envelope === undefined) break
      const claim = readClaim(envelope)
      if (!claim) {
        unreadable.push('left', envelope)
        continue
      }
      scores.set(claim.tag, db.now() / 1000)
      messages.set(claim.tag, claim.entry)
      taken.push(list, claim.tag, envelope)
    }
  }
  db.keep(index, scores)
  db.keep(unacked, messages)
  db.keep(deadLetters, unreadable)
  return taken
}

/** What is recorded of an envelope that was taken: `[envelope, exchange, routing key]` under its delivery tag. */
function readClaim(envelope: string): { tag: string; entry: string } | undefined {
  try {
    const { delivery_tag: tag, delivery_info: info } = JSON.parse(envelope).properties
    const { exchange, routing_key: key } = info
    if (typeof tag !== 'string' || typeof exchange !== 'string' || typeof key !== 'string') return undefined
    return { tag, entry: `[${envelope}, ${JSON.stringify(exchange)}, ${JSON.stringify(key)}]` }
  } catch {
    return undefined
  }
}

const putBack: NativeScript = ({ db }, [index = '', unacked = '', list = ''], [tag = '', envelope = '', end]) => {
  const messages = db.open(unacked, 'hash')
  if (!messages.delete(tag)) return 0
  db.keep(unacked, messages)
  const scores = db.open(index, 'zset')
  scores.delete(tag)
  db.keep(index, scores)
  const items = db.open(list, 'list')
  items.push(end === 'front' ? 'right' : 'left', envelope)
  db.keep(list, items)
  return 1
}

const expired: NativeScript = ({ db }, [index = '', unacked = ''], [age]) => {
  const limit = db.now() / 1000 - Number(age)
  const scores = db.open(index, 'zset')
  const messages = db.open(unacked, 'hash')
  const count = scores.count(({ score }) => score <= limit)
  return scores.slice(0, Math.min(count, 100)).flatMap(({ member }) => [member, messages.get(member) ?? null])
}

const renew: NativeScript = ({ db }, [index = ''], tags) => {
  const scores = db.open(index, 'zset')
  for (const tag of tags) if (scores.score(tag) !== undefined) scores.set(tag, db.now() / 1000)
  db.keep(index, scores)
  return tags.length
}

const store: NativeScript = ({ db, publish }, [key = ''], [text = '', expires = '0']) => {
  if (/^\{"status": ?"SUCCESS"/.test(db.read(key, 'string') ?? '')) return 0
  db.put(key, text, expires === '0' ? undefined : db.now() + Number(expires) * 1000)
  publish(key, text)
  return 1
}

export const nativeScripts: Readonly<Record<string, NativeScript>> = {
  take,
  'put-back': putBack,
  expired,
  renew,
  store,
}
