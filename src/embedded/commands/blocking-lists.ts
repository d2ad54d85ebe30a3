import { float } from '../arguments.ts'
import type { Wait } from '../blocking.ts'
import { type CommandTable, type Outcome, write } from '../command.ts'
import type { Database } from '../database.ts'
import { refuse } from '../redis-error.ts'
import { nullArray, type Reply } from '../reply.ts'
import type { End } from '../values/deque.ts'
import { moveItem, parseEnd, popItems, readPopMany } from './list-ends.ts'

/** Lists that a client waits for: the first key that has an item serves it, now or later. */
export const blockingListCommands = {
  blpop: write(-3, ({ db }, [key, ...words]) => popFirst(db, [key, ...words], 'left')),
  brpop: write(-3, ({ db }, [key, ...words]) => popFirst(db, [key, ...words], 'right')),
  blmove: write(6, ({ db }, [source, destination, from, to, timeout]) =>
    move(db, source, destination, parseEnd(from), parseEnd(to), timeout),
  ),
  brpoplpush: write(4, ({ db }, [source, destination, timeout]) =>
    move(db, source, destination, 'right', 'left', timeout),
  ),
  blmpop: write(-5, ({ db }, [timeout, size, ...words]) => {
    const { keys, end, count } = readPopMany(size, words)
    return serveOrWait(keys, parseTimeout(timeout), nullArray, (key) => {
      const items = popItems(db, key, end, count)
      return items && [key, items]
    })
  }),
} satisfies CommandTable

function popFirst(db: Database, words: readonly string[], end: End): Outcome {
  const timeoutMs = parseTimeout(words.at(-1) ?? '')
  return serveOrWait(words.slice(0, -1), timeoutMs, nullArray, (key) => {
    const items = popItems(db, key, end, 1)
    return items && [key, ...items]
  })
}

function move(db: Database, source: string, destination: string, from: End, to: End, timeout: string): Outcome {
  const timeoutMs = parseTimeout(timeout)
  return serveOrWait([source], timeoutMs, null, () => moveItem(db, source, destination, from, to))
}

/** Serves the first key that has something; when none has, the wish to wait for one. */
function serveOrWait(
  keys: readonly string[],
  timeoutMs: number,
  whenEmpty: Reply,
  serve: (key: string) => Reply | undefined,
): Reply | Wait {
  for (const key of keys) {
    const reply = serve(key)
    if (reply !== undefined) return reply
  }
  return { kind: 'wait', keys, timeoutMs, serve, whenEmpty, whenTimedOut: nullArray }
}

function parseTimeout(seconds: string): number {
  const refusal = 'ERR timeout is not a float or out of range'
  const timeoutMs = Math.ceil(float(seconds, refusal) * 1000)
  if (timeoutMs < 0) refuse('ERR timeout is negative')
  return Number.isSafeInteger(timeoutMs) ? timeoutMs : refuse('ERR timeout is out of range')
}
