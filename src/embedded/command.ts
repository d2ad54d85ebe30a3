import type { Wait } from './blocking.ts'
import type { Client } from './client.ts'
import type { Database } from './database.ts'
import type { Reply } from './reply.ts'
import type { Server } from './server.ts'

/** What a command works on: the caller, the caller's database, and the server around them. */
export interface Context {
  readonly server: Server
  readonly client: Client
  readonly db: Database
}

/** A reply, or the wish to wait for one. */
export type Outcome = Reply | Wait

export type Flag =
  /** May change keys, and so make a key ready for somebody who waits. */
  | 'write'
  | 'before-auth'
  /** Allowed to a RESP2 client that has subscriptions. */
  | 'while-subscribed'
  /** Runs at once even between MULTI and EXEC. */
  | 'immediate'
  /** Not shown to MONITOR: administration, and what carries passwords. */
  | 'unmonitored'

export interface Command {
  /** Redis's convention: the name counts, negative means at least; `client|list` counts as one name. */
  readonly arity: number
  readonly flags: readonly Flag[]
  /** @throws {RedisError} to refuse. */
  run(context: Context, args: readonly string[]): Outcome
}

/** The words after the name, exactly as many as the arity promises. */
interface ArgumentsByArity {
  '1': readonly []
  '2': readonly [string]
  '3': readonly [string, string]
  '4': readonly [string, string, string]
  '5': readonly [string, string, string, string]
  '6': readonly [string, string, string, string, string]
  '-1': readonly string[]
  '-2': readonly [string, ...string[]]
  '-3': readonly [string, string, ...string[]]
  '-4': readonly [string, string, string, ...string[]]
  '-5': readonly [string, string, string, string, ...string[]]
}

type Arity = 1 | 2 | 3 | 4 | 5 | 6 | -1 | -2 | -3 | -4 | -5
type Run<A extends Arity> = (context: Context, args: ArgumentsByArity[`${A}`]) => Outcome

/** A command of its own kind. `arity` decides how many words `run` can take apart. */
export function command<A extends Arity>(arity: A, flags: readonly Flag[], run: Run<A>): Command {
  // The dispatcher has compared the number of words with the arity before it calls.
  return { arity, flags, run: run as Command['run'] }
}

/** A command that changes nothing. */
export const read = <A extends Arity>(arity: A, run: Run<A>): Command => command(arity, [], run)
/** A command that may change keys. */
export const write = <A extends Arity>(arity: A, run: Run<A>): Command => command(arity, ['write'], run)

/** A family of commands, by name in lower case; a subcommand's name is `client|list`. */
export type CommandTable = Readonly<Record<string, Command>>
