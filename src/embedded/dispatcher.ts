import { messageOf } from '../errors.ts'
import type { Wait } from './blocking.ts'
import type { Client } from './client.ts'
import type { Command, Outcome } from './command.ts'
import { commands, containers } from './commands/table.ts'
import { RedisError, refuse, texts, wrongArity } from './redis-error.ts'
import { queued, type Reply } from './reply.ts'
import type { Server } from './server.ts'

interface Call {
  readonly name: string
  readonly command: Command
  readonly args: readonly string[]
  readonly request: readonly string[]
}

/** Runs one request and sends what it answers; or queues it, or lets the client wait. */
export function dispatch(server: Server, client: Client, request: readonly string[]): void {
  const call = admit(client, request)
  if (call instanceof RedisError) {
    client.send(reject(client, request, call))
    return
  }
  if (client.transaction && !call.command.flags.includes('immediate')) {
    client.transaction.queue.push(() => withoutWaiting(perform(server, client, call)))
    client.send(queued)
    return
  }
  const outcome = perform(server, client, call)
  if (isWait(outcome)) wait(server, client, call, outcome)
  else client.send(outcome)
  if (call.command.flags.includes('write')) server.serveWaiters()
}

function admit(client: Client, request: readonly string[]): Call | RedisError {
  try {
    const call = lookUp(request)
    checkArity(call)
    checkState(client, call)
    return call
  } catch (error) {
    if (error instanceof RedisError) return error
    throw error
  }
}

/** What a refused request answers; in a transaction it spoils the whole. */
function reject(client: Client, [name = '']: readonly string[], refusal: RedisError): RedisError {
  if (name.toLowerCase() === 'exec') {
    client.transaction = undefined
    client.watch.release()
    return new RedisError(`EXECABORT Transaction discarded because of: ${refusal.message.replace(/^ERR /, '')}`)
  }
  if (client.transaction) client.transaction.aborted = true
  return refusal
}

function lookUp(request: readonly string[]): Call {
  const [word = '', subword] = request
  const name = word.toLowerCase()
  if (containers.has(name) && subword !== undefined) return lookUpSubcommand(request, name, subword)
  const command = name.includes('|') ? undefined : commands.get(name)
  if (command) return { name, command, args: request.slice(1), request }
  return refuse(containers.has(name) ? wrongArity(name) : unknownCommand(request))
}

function lookUpSubcommand(request: readonly string[], container: string, subword: string): Call {
  const name = `${container}|${subword.toLowerCase()}`
  const command = commands.get(name)
  if (!command) refuse(`ERR unknown subcommand '${subword.slice(0, 128)}'. Try ${container.toUpperCase()} HELP.`)
  return { name, command, args: request.slice(2), request }
}

function unknownCommand([word = '', ...args]: readonly string[]): string {
  let shown = ''
  for (const arg of args) {
    if (shown.length >= 128) break
    shown += `'${arg.slice(0, 128 - shown.length)}' `
  }
  return `ERR unknown command '${word.slice(0, 128)}', with args beginning with: ${shown}`
}

function checkArity({ name, command, args }: Call): void {
  const words = args.length + 1
  if (command.arity > 0 ? words !== command.arity : words < -command.arity) refuse(wrongArity(name))
}

function checkState(client: Client, { name, command }: Call): void {
  if (!client.authenticated && !command.flags.includes('before-auth')) refuse(texts.noAuth)
  if (client.subscriptionCount > 0 && client.protocol === 2 && !command.flags.includes('while-subscribed')) {
    refuse(
      `ERR Can't execute '${name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
    )
  }
}

function perform(server: Server, client: Client, call: Call): Outcome {
  const { name, command, args, request } = call
  server.commandCount += 1
  client.lastCommand = name
  client.lastActiveAt = server.clock.now()
  if (!command.flags.includes('unmonitored')) server.feedMonitors(client, request)
  const db = server.database(client.databaseIndex)
  db.reader = command.flags.includes('write') ? undefined : client.tracking
  try {
    return guarded(server, call, () => command.run({ server, client, db }, args))
  } finally {
    db.reader = undefined
  }
}

function wait(server: Server, client: Client, call: Call, wish: Wait): void {
  const { waiters } = server.database(client.databaseIndex)
  const serve = (key: string) => guarded(server, call, () => wish.serve(key))
  client.waiting = waiters.add({ ...wish, serve }, server.clock, (reply) => {
    client.waiting = undefined
    client.send(reply)
  })
}

/** What a command answers when it throws: its refusal, or that the fault is ours, which stops nobody else. */
function guarded<Result>(server: Server, { name }: Call, run: () => Result): Result | RedisError {
  try {
    return run()
  } catch (error) {
    if (error instanceof RedisError) return error
    server.log.error(`the embedded broker failed at ${name.toUpperCase()}: ${messageOf(error)}`, { error })
    return new RedisError('ERR the embedded broker failed at this command; its log says why')
  }
}

function withoutWaiting(outcome: Outcome): Reply {
  return isWait(outcome) ? outcome.whenEmpty : outcome
}

function isWait(outcome: Outcome): outcome is Wait {
  return typeof outcome === 'object' && outcome !== null && 'kind' in outcome && outcome.kind === 'wait'
}
