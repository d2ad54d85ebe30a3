import { createHash } from 'node:crypto'
import { integer } from '../arguments.ts'
import { type CommandTable, type Context, read, write } from '../command.ts'
import { refuse } from '../redis-error.ts'
import { ok, type Reply } from '../reply.ts'
import { lockScripts } from '../scripts/lock-scripts.ts'
import type { NativeScript } from '../scripts/native-script.ts'
import { nativeScripts } from '../scripts/transport-scripts.ts'

/** There is no Lua here: a script runs when its text is one of those that are written in TypeScript as well. */
export const scriptCommands = {
  eval: write(-3, (context, [text, size, ...words]) => {
    const { keys, args } = readKeys(size, words)
    return run(context, load(context, text), keys, args)
  }),
  evalsha: write(-3, (context, [sha, size, ...words]) => {
    const { keys, args } = readKeys(size, words)
    return run(context, sha.toLowerCase(), keys, args)
  }),
  'script|load': read(2, (context, [text]) => load(context, text)),
  'script|exists': read(-2, ({ server }, shas) => shas.map((sha) => (server.scripts.has(sha.toLowerCase()) ? 1 : 0))),
  'script|flush': read(-1, ({ server }, [mode = 'sync', ...more]) => {
    if (more.length > 0 || !['sync', 'async'].includes(mode.toLowerCase())) {
      refuse('ERR SCRIPT FLUSH only support SYNC|ASYNC option')
    }
    server.scripts.clear()
    return ok
  }),
} satisfies CommandTable

function readKeys(size: string, words: readonly string[]) {
  const count = integer(size)
  if (count > words.length) refuse("ERR Number of keys can't be greater than number of args")
  if (count < 0) refuse("ERR Number of keys can't be negative")
  return { keys: words.slice(0, count), args: words.slice(count) }
}

/** Returns the script's SHA1, by which EVALSHA knows it from now on. */
function load({ server }: Context, text: string): string {
  const sha = createHash('sha1').update(text, 'latin1').digest('hex')
  const script =
    findScript(text, sha) ??
    refuse(
      `ERR this embedded broker runs only the scripts it knows; ${sha} is none of them. Use a Redis server for it.`,
    )
  server.scripts.set(sha, script)
  return sha
}

function findScript(text: string, sha: string): NativeScript | undefined {
  const name = /^-- celery-sandbox:(\S+)/.exec(text)?.[1]
  if (name === undefined) return lockScripts[sha]
  return Object.hasOwn(nativeScripts, name) ? nativeScripts[name] : undefined
}

function run({ server, db }: Context, sha: string, keys: readonly string[], args: readonly string[]): Reply {
  const script = server.scripts.get(sha) ?? refuse('NOSCRIPT No matching script. Please use EVAL.')
  const publish = (channel: string, message: string) => server.channels.publish(channel, message)
  return script({ db, publish }, keys, args)
}
