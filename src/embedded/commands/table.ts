import { type Command, type CommandTable, read } from '../command.ts'
import { blockingListCommands } from './blocking-lists.ts'
import { clientCommands } from './clients.ts'
import { configCommands } from './config.ts'
import { connectionCommands } from './connection.ts'
import { expiryCommands } from './expiry.ts'
import { hashCommands } from './hashes.ts'
import { keyCommands } from './keys.ts'
import { listCommands } from './lists.ts'
import { pubsubCommands } from './pubsub.ts'
import { scriptCommands } from './scripts.ts'
import { serverCommands } from './server.ts'
import { setCommands } from './sets.ts'
import { sortedSetRangeCommands } from './sorted-set-ranges.ts'
import { sortedSetCommands } from './sorted-sets.ts'
import { stringCommands } from './strings.ts'
import { transactionCommands } from './transactions.ts'

/** The table about itself; redis-cli asks for the docs, and does without. */
const introspection = {
  command: read(1, () => []),
  'command|count': read(1, () => topLevelNames().length),
  'command|list': read(1, () => topLevelNames()),
  'command|docs': read(-1, () => new Map()),
} satisfies CommandTable

/** Every command, by its name in lower case. */
export const commands: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    ...stringCommands,
    ...listCommands,
    ...blockingListCommands,
    ...hashCommands,
    ...setCommands,
    ...sortedSetCommands,
    ...sortedSetRangeCommands,
    ...keyCommands,
    ...expiryCommands,
    ...transactionCommands,
    ...pubsubCommands,
    ...scriptCommands,
    ...connectionCommands,
    ...clientCommands,
    ...configCommands,
    ...serverCommands,
    ...introspection,
  }),
)

/** Names that take a subcommand: `client`, `config` … */
export const containers: ReadonlySet<string> = new Set(
  [...commands.keys()].filter((name) => name.includes('|')).map((name) => name.replace(/\|.*/, '')),
)

function topLevelNames(): string[] {
  return [...new Set([...commands.keys()].map((name) => name.replace(/\|.*/, '')))]
}
