import { taskIdOf } from '../../protocol/task-message.ts'
import type { FoundMessage } from '../transport.ts'
import { decodeEnvelope, type Envelope } from './envelope.ts'
import type { RedisLink } from './link.ts'
import { queueOfRecord, type Recorded, readRecord } from './unacked.ts'

/** Entries of a list that are looked at by one question. */
const page = 500

type Link = Pick<RedisLink, 'commands' | 'keys'>
type Reader = (entry: Buffer) => Envelope | undefined

/** Messages that call the task: those in the lists of the queues, and those recorded as unacknowledged. */
export async function findTask(link: Link, taskId: string, queues: readonly string[]): Promise<FoundMessage[]> {
  const read = readerOf(taskId)
  const waiting = await Promise.all(queues.map((queue) => findWaiting(link, queue, read)))
  return [...waiting.flat(), ...(await findUnacked(link, read))]
}

/** Reads an entry if it calls the task. Most are told apart by their bytes; JSON may write an unusual id in several ways. */
function readerOf(taskId: string): Reader {
  const needle = /^[\w.:-]+$/.test(taskId) ? taskId : ''
  return (entry) => {
    if (!entry.includes(needle)) return undefined
    const envelope = decodeEnvelope(entry)
    return taskIdOf(envelope.message) === taskId ? envelope : undefined
  }
}

async function findWaiting({ commands, keys }: Link, queue: string, read: Reader): Promise<FoundMessage[]> {
  const found: FoundMessage[] = []
  let ahead = 0
  for (const list of keys.lists(queue)) {
    const hits: [at: number, envelope: Envelope][] = []
    let length = 0
    // From the newest on: what is sent meanwhile moves the others on, so that one may be seen twice, but none is missed.
    for (let entries = await commands.lrangeBuffer(list, 0, page - 1); entries.length > 0; ) {
      for (const [at, entry] of entries.entries()) {
        const envelope = read(entry)
        if (envelope) hits.unshift([length + at, envelope])
      }
      length += entries.length
      entries = await commands.lrangeBuffer(list, length, length + page - 1)
    }
    for (const [at, { message, info }] of hits) found.push({ message, info, queue, ahead: ahead + length - 1 - at })
    ahead += length
  }
  return found
}

async function findUnacked({ commands, keys }: Link, read: Reader): Promise<FoundMessage[]> {
  const hits = new Map<string, [Recorded, Envelope]>()
  for await (const batch of commands.hscanStream(keys.unacked)) {
    const pairs = batch as string[]
    for (let i = 0; i < pairs.length; i += 2) {
      const record = readRecord(pairs[i + 1] ?? '')
      const envelope = record && read(Buffer.from(record.envelope))
      if (envelope) hits.set(pairs[i] ?? '', [record, envelope])
    }
  }
  const found = [...hits.values()].map(async ([record, { message, info }]) => {
    return { message, info, queue: await queueOfRecord(commands, keys, record), ahead: undefined }
  })
  return Promise.all(found)
}
