import type { Server } from '../server.ts'

/** The Redis whose behaviour this server follows. */
export const compatibleVersion = '7.0.15'

type Section = (server: Server) => Readonly<Record<string, string | number>>

/** INFO's sections, with those of Redis's fields that mean something here. */
const sections: Readonly<Record<string, Section>> = {
  Server: (server) => ({
    redis_version: compatibleVersion,
    redis_mode: 'standalone',
    server_name: 'celery-sandbox',
    os: `${process.platform} ${process.arch}`,
    process_id: process.pid,
    tcp_port: server.port,
    uptime_in_seconds: Math.floor((server.clock.now() - server.startedAt) / 1000),
    uptime_in_days: Math.floor((server.clock.now() - server.startedAt) / 86_400_000),
  }),
  Clients: (server) => ({
    connected_clients: server.clients.size,
    blocked_clients: [...server.clients.values()].filter((client) => client.waiting).length,
  }),
  Memory: () => {
    const { heapUsed } = process.memoryUsage()
    return {
      used_memory: heapUsed,
      used_memory_human: `${(heapUsed / 2 ** 20).toFixed(2)}M`,
      maxmemory: 0,
      maxmemory_policy: 'noeviction',
    }
  },
  Persistence: () => ({ loading: 0, rdb_bgsave_in_progress: 0, aof_enabled: 0, aof_rewrite_in_progress: 0 }),
  Stats: (server) => ({
    total_connections_received: server.connectionCount,
    total_commands_processed: server.commandCount,
    expired_keys: server.databases.reduce((sum, { expiredCount }) => sum + expiredCount, 0),
    evicted_keys: 0,
    pubsub_channels: server.channels.names().length,
    pubsub_patterns: server.channels.patternCount,
  }),
  Replication: () => ({ role: 'master', connected_slaves: 0 }),
  Keyspace: (server) =>
    Object.fromEntries(
      server.databases.flatMap(({ size, deadlineCount }, index) =>
        size > 0 ? [[`db${index}`, `keys=${size},expires=${deadlineCount},avg_ttl=0`]] : [],
      ),
    ),
}

/** INFO's text: the named sections, all of them when none is named. */
export function describeServer(server: Server, names: readonly string[]): string {
  const wanted = names.map((name) => name.toLowerCase())
  const isWanted = (title: string) =>
    wanted.length === 0 ||
    wanted.includes(title.toLowerCase()) ||
    wanted.some((name) => ['all', 'default', 'everything'].includes(name))
  return Object.entries(sections)
    .filter(([title]) => isWanted(title))
    .map(([title, section]) => `# ${title}\r\n${lines(section(server))}`)
    .join('\r\n')
}

function lines(fields: Readonly<Record<string, string | number>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}:${value}\r\n`)
    .join('')
}
