import { pairwise } from '../arguments.ts'
import { type CommandTable, command } from '../command.ts'
import { glob } from '../glob.ts'
import { refuse, texts } from '../redis-error.ts'
import { ok, type Reply } from '../reply.ts'
import { maxBulkBytes } from '../request.ts'
import type { Server } from '../server.ts'

/** The CONFIG family: settings, most of them fixed. */
export const configCommands = {
  'config|get': command(-2, ['unmonitored'], ({ server }, patterns) => {
    const matchers = patterns.map((pattern) => glob(pattern.toLowerCase()))
    const entries = Object.entries(parameters).filter(([name]) => matchers.some((matches) => matches(name)))
    return new Map(entries.map(([name, parameter]) => [name, parameter.get(server)]))
  }),
  'config|set': command(-3, ['unmonitored'], ({ server }, words) => setParameters(server, words)),
  'config|resetstat': command(1, ['unmonitored'], ({ server }) => {
    server.resetStatistics()
    return ok
  }),
} satisfies CommandTable

interface Parameter {
  get(server: Server): string
  set?(server: Server, value: string): void
}

const fixed = (value: string): Parameter => ({ get: () => value })

/** What CONFIG shows; only what has a `set` can be changed. */
const parameters: Readonly<Record<string, Parameter>> = {
  appendonly: fixed('no'),
  bind: fixed('127.0.0.1'),
  databases: { get: (server) => String(server.databases.length) },
  maxmemory: fixed('0'),
  'maxmemory-policy': fixed('noeviction'),
  port: { get: (server) => String(server.port) },
  'proto-max-bulk-len': fixed(String(maxBulkBytes)),
  requirepass: {
    get: (server) => server.password ?? '',
    set: (server, value) => {
      server.password = value || undefined
    },
  },
  save: fixed(''),
  timeout: fixed('0'),
}

function setParameters(server: Server, words: readonly string[]): Reply {
  if (words.length % 2 !== 0) refuse(texts.syntax)
  const changes = pairwise(words).map(([word, value]) => {
    const name = word.toLowerCase()
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined
    if (!parameter) refuse(`ERR Unknown option or number of arguments for CONFIG SET - '${word}'`)
    const set = parameter.set
    if (!set) refuse(`ERR CONFIG SET failed (possibly related to argument '${word}') - can't set immutable config`)
    return () => set(server, value)
  })
  for (const change of changes) change()
  return ok
}
