import { type CommandTable, command } from '../command.ts'
import { RedisError, refuse } from '../redis-error.ts'
import { nullArray, ok } from '../reply.ts'

/** Commands in one go, if nobody touched the watched keys meanwhile. */
export const transactionCommands = {
  multi: command(1, ['immediate'], ({ client }) => {
    if (client.transaction) refuse('ERR MULTI calls can not be nested')
    client.transaction = { queue: [], aborted: false }
    return ok
  }),
  exec: command(1, ['immediate', 'write', 'unmonitored'], ({ server, client }) => {
    const transaction = client.transaction ?? refuse('ERR EXEC without MULTI')
    client.transaction = undefined
    const touched = client.watch.release()
    if (transaction.aborted) return new RedisError('EXECABORT Transaction discarded because of previous errors.')
    const replies = touched ? nullArray : transaction.queue.map((run) => run())
    // MONITOR shows it after the commands that it ran.
    server.feedMonitors(client, ['exec'])
    return replies
  }),
  discard: command(1, ['immediate'], ({ client }) => {
    if (!client.transaction) refuse('ERR DISCARD without MULTI')
    client.transaction = undefined
    client.watch.release()
    return ok
  }),
  watch: command(-2, ['immediate'], ({ client, db }, keys) => {
    if (client.transaction) refuse('ERR WATCH inside MULTI is not allowed')
    for (const key of keys) client.watch.add(db, key)
    return ok
  }),
  unwatch: command(1, [], ({ client }) => {
    client.watch.release()
    return ok
  }),
} satisfies CommandTable
