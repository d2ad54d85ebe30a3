import type { Client } from '../client.ts'
import { type CommandTable, command, read } from '../command.ts'
import { glob } from '../glob.ts'
import { refuse } from '../redis-error.ts'
import { push, type Reply, sequence } from '../reply.ts'

/** Messages to whoever listens right now. */
export const pubsubCommands = {
  subscribe: command(-2, ['while-subscribed'], ({ server, client }, channels) =>
    eachConfirmed(client, 'subscribe', channels, (channel) => {
      client.channels.add(channel)
      server.channels.subscribe(channel, client)
    }),
  ),
  psubscribe: command(-2, ['while-subscribed'], ({ server, client }, patterns) =>
    eachConfirmed(client, 'psubscribe', patterns, (pattern) => {
      client.patterns.add(pattern)
      server.channels.subscribePattern(pattern, client)
    }),
  ),
  unsubscribe: command(-1, ['while-subscribed'], ({ server, client }, channels) =>
    eachConfirmed(client, 'unsubscribe', channels.length > 0 ? channels : [...client.channels], (channel) => {
      client.channels.delete(channel)
      server.channels.unsubscribe(channel, client)
    }),
  ),
  punsubscribe: command(-1, ['while-subscribed'], ({ server, client }, patterns) =>
    eachConfirmed(client, 'punsubscribe', patterns.length > 0 ? patterns : [...client.patterns], (pattern) => {
      client.patterns.delete(pattern)
      server.channels.unsubscribePattern(pattern, client)
    }),
  ),
  publish: read(3, ({ server }, [channel, message]) => server.channels.publish(channel, message)),
  'pubsub|channels': read(-1, ({ server }, [pattern = '*', ...more]) => {
    if (more.length > 0) {
      refuse("ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.")
    }
    return server.channels.names().filter(glob(pattern))
  }),
  'pubsub|numsub': read(-1, ({ server }, channels) =>
    channels.flatMap((channel) => [channel, server.channels.subscriberCount(channel)]),
  ),
  'pubsub|numpat': read(1, ({ server }) => server.channels.patternCount),
} satisfies CommandTable

/** One confirmation for each name, with the count of subscriptions after it; one with null when there is no name. */
function eachConfirmed(client: Client, kind: string, names: readonly string[], change: (name: string) => void): Reply {
  if (names.length === 0) return push(kind, null, client.subscriptionCount)
  const confirmations = names.map((name) => {
    change(name)
    return push(kind, name, client.subscriptionCount)
  })
  return sequence(confirmations)
}
