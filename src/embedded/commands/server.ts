import { integer } from '../arguments.ts'
import { type CommandTable, command, type Outcome, read, write } from '../command.ts'
import { refuse, texts } from '../redis-error.ts'
import { ok, verbatim } from '../reply.ts'
import { describeServer } from './information.ts'

/** The server as a whole. */
export const serverCommands = {
  info: command(-1, [], ({ server }, names) => verbatim(describeServer(server, names))),
  time: read(1, ({ server }) => {
    const now = server.clock.now()
    return [String(Math.floor(now / 1000)), String(Math.floor((now % 1000) * 1000))]
  }),
  dbsize: read(1, ({ db }) => db.size),
  flushdb: write(-1, ({ db }, words) => {
    checkFlushMode(words)
    db.clear()
    return ok
  }),
  flushall: write(-1, ({ server }, words) => {
    checkFlushMode(words)
    for (const database of server.databases) database.clear()
    return ok
  }),
  swapdb: write(3, ({ server }, [first, second]) => {
    const indexes = [integer(first, 'ERR invalid first DB index'), integer(second, 'ERR invalid second DB index')]
    const [a, b] = indexes.map((index) => server.database(index))
    if (a && b && a !== b) a.swap(b)
    return ok
  }),
  monitor: command(1, ['unmonitored'], ({ server, client }) => {
    server.monitors.add(client)
    return ok
  }),
  wait: command(3, [], (_, [replicas, timeout]) =>
    waitForReplicas(integer(replicas), integer(timeout, 'ERR timeout is not an integer or out of range')),
  ),
} satisfies CommandTable

function checkFlushMode(words: readonly string[]): void {
  const [mode = 'sync', ...more] = words
  if (more.length > 0 || !['sync', 'async'].includes(mode.toLowerCase())) refuse(texts.syntax)
}

/** There are no replicas: none acknowledges, and asking for one waits for nothing. */
function waitForReplicas(replicas: number, timeoutMs: number): Outcome {
  if (timeoutMs < 0) refuse('ERR timeout is negative')
  if (replicas <= 0) return 0
  return { kind: 'wait', keys: [], timeoutMs, serve: () => undefined, whenEmpty: 0, whenTimedOut: 0 }
}
