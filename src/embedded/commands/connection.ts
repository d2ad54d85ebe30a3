import { integer, readOptions } from '../arguments.ts'
import type { Client } from '../client.ts'
import { type CommandTable, type Context, command, read } from '../command.ts'
import { refuse, texts, wrongArity } from '../redis-error.ts'
import { ok, type Reply, status } from '../reply.ts'
import type { Server } from '../server.ts'
import { compatibleVersion } from './information.ts'

/** What a client says about itself: who it is, how it speaks, which database it means. */
export const connectionCommands = {
  ping: command(-1, ['while-subscribed'], ({ client }, [text, ...more]) => {
    if (more.length > 0) refuse(wrongArity('ping'))
    if (client.subscriptionCount > 0 && client.protocol === 2) return ['pong', text ?? '']
    return text ?? status('PONG')
  }),
  echo: read(2, (_, [text]) => text),
  auth: command(-2, ['before-auth', 'unmonitored'], ({ server, client }, words) => {
    const [first, second] = words
    if (words.length > 2) refuse(texts.syntax)
    if (second === undefined && server.password === undefined) {
      refuse(
        'ERR AUTH <password> called without any password configured for the default user. ' +
          'Are you sure your configuration is correct?',
      )
    }
    authenticate(server, client, second === undefined ? 'default' : first, second ?? first)
    return ok
  }),
  hello: command(-1, ['before-auth', 'unmonitored'], (context, words) => hello(context, words)),
  select: read(2, ({ server, client }, [word]) => {
    const index = integer(word)
    server.database(index)
    client.databaseIndex = index
    return ok
  }),
  quit: command(-1, ['before-auth', 'while-subscribed', 'immediate'], ({ client }) => {
    client.close()
    return ok
  }),
  reset: command(1, ['before-auth', 'while-subscribed', 'immediate'], ({ server, client }) => {
    server.resetClient(client)
    client.name = ''
    client.protocol = 2
    client.databaseIndex = 0
    client.authenticated = server.password === undefined
    return status('RESET')
  }),
  // A web page can make a browser send these to a port of this machine: hang up before the request's body is read.
  post: command(-1, ['before-auth', 'while-subscribed', 'immediate'], ({ client }) => hangUp(client)),
  'host:': command(-1, ['before-auth', 'while-subscribed', 'immediate'], ({ client }) => hangUp(client)),
} satisfies CommandTable

function authenticate(server: Server, client: Client, user: string, password: string): void {
  const isRight = user === 'default' && (server.password === undefined || password === server.password)
  if (!isRight) refuse(texts.wrongPassword)
  client.authenticated = true
}

/** `HELLO [2|3 [AUTH user password] [SETNAME name]]` */
function hello({ server, client }: Context, [version, ...words]: readonly string[]): Reply {
  const protocol = version === undefined ? client.protocol : readProtocol(version)
  const options = readOptions(words, { auth: 2, setname: 1 }, (word) => `ERR Syntax error in HELLO option '${word}'`)
  if (options.auth) authenticate(server, client, ...options.auth)
  if (!client.authenticated) {
    refuse(
      'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> ' +
        'option can be used to authenticate the client and select the RESP protocol version at the same time',
    )
  }
  if (options.setname !== undefined) client.name = checkName(options.setname)
  client.protocol = protocol
  return new Map<string, Reply>([
    ['server', 'redis'],
    ['version', compatibleVersion],
    ['proto', protocol],
    ['id', client.id],
    ['mode', 'standalone'],
    ['role', 'master'],
    ['modules', []],
  ])
}

function readProtocol(word: string): 2 | 3 {
  const version = integer(word, 'ERR Protocol version is not an integer or out of range')
  return version === 2 || version === 3 ? version : refuse('NOPROTO unsupported protocol version')
}

/** @throws {RedisError} when CLIENT LIST could not show the name. */
export function checkName(name: string): string {
  if (/[^!-~]/.test(name)) refuse('ERR Client names cannot contain spaces, newlines or special characters.')
  return name
}

function hangUp(client: Client): Reply {
  client.close()
  return refuse('ERR this is no web server')
}
