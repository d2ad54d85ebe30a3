import { isObject } from '../../protocol/json.ts'
import { type DeadLetter, maxDeadLetters } from '../transport.ts'
import type { Redis } from './connection.ts'
import { decodeEnvelope } from './envelope.ts'
import type { Keys } from './keys.ts'

type Buried = Omit<DeadLetter, 'headers'>

/** Keeps a broken message as JSON in a list, newest first; in the same step its claim, if it has one, is given up. */
export async function bury(commands: Redis, keys: Keys, { raw, ...letter }: Buried, tag?: string): Promise<void> {
  const entry = JSON.stringify({ ...letter, raw: Buffer.from(raw).toString('base64') })
  const transaction = commands
    .multi()
    .lpush(keys.deadLetters, entry)
    .ltrim(keys.deadLetters, 0, maxDeadLetters - 1)
  if (tag !== undefined) transaction.zrem(keys.unackedIndex, tag).hdel(keys.unacked, tag)
  const replies = (await transaction.exec()) ?? []
  for (const [error] of replies) if (error) throw error
}

export async function buried(commands: Redis, keys: Keys, limit: number): Promise<DeadLetter[]> {
  const entries = await commands.lrange(keys.deadLetters, 0, limit - 1)
  return entries.map(readEntry)
}

function readEntry(text: string): DeadLetter {
  const { reason, time, queue, raw } = parse(text)
  const bytes = Buffer.from(String(raw ?? ''), 'base64')
  const { headers } = decodeEnvelope(bytes).message
  return { reason: String(reason ?? ''), time: String(time ?? ''), queue: String(queue ?? ''), headers, raw: bytes }
}

// Anyone can write to a list: what is no entry of ours is shown without fields.
function parse(text: string): Record<string, unknown> {
  try {
    const entry: unknown = JSON.parse(text)
    return isObject(entry) ? entry : {}
  } catch {
    return {}
  }
}
