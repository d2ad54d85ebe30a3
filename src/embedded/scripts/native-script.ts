import type { Database } from '../database.ts'
import type { Reply } from '../reply.ts'

/** What a script can act on. */
export interface ScriptContext {
  /** The caller's database. */
  readonly db: Database
  /** Returns how many heard it. */
  publish(channel: string, message: string): number
}

/**
 * What a Lua script does, written in TypeScript: it runs in one go, like a command. Keys, arguments and values are
 * strings of bytes; it throws a RedisError to refuse.
 *
 * @example
 * const takeAll: NativeScript = ({ db }, [queue = '']) => {
 *   const items = db.read(queue, 'list')?.slice() ?? []
 *   db.remove(queue)
 *   return items
 * }
 */
export type NativeScript = (context: ScriptContext, keys: readonly string[], args: readonly string[]) => Reply
