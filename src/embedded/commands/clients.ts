import { integer, positiveInteger, readOptions } from '../arguments.ts'
import type { Client } from '../client.ts'
import { type CommandTable, type Context, command, read } from '../command.ts'
import { RedisError, refuse, texts } from '../redis-error.ts'
import { ok, push, type Reply, verbatim } from '../reply.ts'
import { checkName } from './connection.ts'

/** The CLIENT family: who is connected. */
export const clientCommands = {
  'client|id': read(1, ({ client }) => client.id),
  'client|getname': read(1, ({ client }) => client.name || null),
  'client|setname': read(2, ({ client }, [name]) => {
    client.name = checkName(name)
    return ok
  }),
  'client|setinfo': read(3, ({ client }, [attribute, value]) => {
    if (/[^!-~]/.test(value)) refuse(`ERR ${attribute} cannot contain spaces, newlines or special characters.`)
    if (attribute.toLowerCase() === 'lib-name') client.libraryName = value
    else if (attribute.toLowerCase() === 'lib-ver') client.libraryVersion = value
    else refuse(`ERR Unrecognized option '${attribute}'`)
    return ok
  }),
  'client|info': command(1, ['unmonitored'], ({ server, client }) =>
    verbatim(`${describe(client, server.clock.now())}\n`),
  ),
  'client|list': command(-1, ['unmonitored'], ({ server }, words) => {
    if (words.length > 0) refuse(texts.syntax)
    return verbatim([...server.clients.values()].map((client) => `${describe(client, server.clock.now())}\n`).join(''))
  }),
  'client|kill': command(-2, ['unmonitored'], (context, words) => kill(context, words)),
  'client|unblock': command(-2, ['unmonitored'], ({ server }, [id, mode = 'timeout', ...more]) => {
    const isError = mode.toLowerCase() === 'error'
    if (more.length > 0 || (!isError && mode.toLowerCase() !== 'timeout')) {
      refuse('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR')
    }
    const waiting = server.clients.get(integer(id))?.waiting
    if (isError) waiting?.finish(new RedisError('UNBLOCKED client unblocked via CLIENT UNBLOCK'))
    else waiting?.timeOut()
    return waiting ? 1 : 0
  }),
  'client|tracking': command(-2, ['unmonitored'], (context, words) => track(context, words)),
  // Nothing is ever evicted here: both answers are true.
  'client|no-evict': command(2, ['unmonitored'], (_, [mode]) =>
    ['on', 'off'].includes(mode.toLowerCase()) ? ok : refuse(texts.syntax),
  ),
} satisfies CommandTable

/** `CLIENT TRACKING ON REDIRECT id` or `OFF`: changes are told to another client, which listens in protocol 2. */
function track({ server, client }: Context, [mode = '', ...words]: readonly string[]): Reply {
  if (mode.toLowerCase() === 'off' && words.length === 0) {
    client.tracking = undefined
    return ok
  }
  const { redirect } = readOptions(words, { redirect: 1 })
  if (mode.toLowerCase() !== 'on') refuse(texts.syntax)
  if (redirect === undefined) refuse('ERR this embedded broker tracks keys for another client only: give REDIRECT')
  const id = integer(redirect)
  if (!server.clients.has(id)) refuse('ERR The client ID you want redirect to does not exist')
  const onChange = (key: string) => {
    const listener = client.tracking?.onChange === onChange ? server.clients.get(id) : undefined
    if (listener?.channels.has(invalidations)) listener.send(push('message', invalidations, [key]))
  }
  client.tracking = { onChange }
  return ok
}

const invalidations = '__redis__:invalidate'

/** A line of CLIENT LIST: those of Redis's fields that mean something here. */
function describe(client: Client, now: number): string {
  const seconds = (since: number) => Math.floor((now - since) / 1000)
  const fields = {
    id: client.id,
    addr: client.address,
    name: client.name,
    age: seconds(client.connectedAt),
    idle: seconds(client.lastActiveAt),
    flags: flagsOf(client),
    db: client.databaseIndex,
    sub: client.channels.size,
    psub: client.patterns.size,
    multi: client.transaction?.queue.length ?? -1,
    cmd: client.lastCommand || 'NULL',
    user: 'default',
    'lib-name': client.libraryName,
    'lib-ver': client.libraryVersion,
    resp: client.protocol,
  }
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}

function flagsOf(client: Client): string {
  const flags = [client.waiting && 'b', client.transaction && 'x', client.subscriptionCount > 0 && 'P']
  return flags.filter(Boolean).join('') || 'N'
}

/** `CLIENT KILL host:port`, or by filters: `ID id`, `ADDR host:port`, `SKIPME yes|no`. */
function kill({ server, client: caller }: Context, words: readonly string[]) {
  const [address] = words
  if (words.length === 1) {
    const victims = [...server.clients.values()].filter((client) => client.address === address)
    if (victims.length === 0) refuse('ERR No such client')
    for (const victim of victims) victim.close()
    return ok
  }
  const isVictim = readKillFilters(words, caller)
  const victims = [...server.clients.values()].filter(isVictim)
  for (const victim of victims) victim.close()
  return victims.length
}

function readKillFilters(words: readonly string[], caller: Client): (client: Client) => boolean {
  const { id, addr, skipme = 'yes' } = readOptions(words, { id: 1, addr: 1, skipme: 1 })
  if (!['yes', 'no'].includes(skipme.toLowerCase())) refuse(texts.syntax)
  const wantedId = id === undefined ? undefined : positiveInteger(id, 'ERR client-id should be greater than 0')
  return (client) =>
    (wantedId === undefined || client.id === wantedId) &&
    (addr === undefined || client.address === addr) &&
    (client !== caller || skipme.toLowerCase() === 'no')
}
