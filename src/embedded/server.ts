import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import { Client, type Outlet } from './client.ts'
import { Database } from './database.ts'
import { Channels } from './pubsub.ts'
import { quoted } from './quoting.ts'
import { refuse } from './redis-error.ts'
import { status } from './reply.ts'
import type { NativeScript } from './scripts/native-script.ts'

const databaseCount = 16
const sweepSize = 200

export interface ServerOptions {
  readonly clock: Clock
  readonly log: Logger
  /** As bytes, one per character. */
  readonly password: string | undefined
}

/** Everything the server holds; no sockets, no timers of its own. */
export class Server {
  readonly clock: Clock
  readonly log: Logger
  readonly startedAt: number
  password: string | undefined
  port = 0
  readonly databases: readonly Database[]
  readonly clients = new Map<number, Client>()
  readonly monitors = new Set<Client>()
  readonly channels = new Channels()
  /** By SHA1 of their text. */
  readonly scripts = new Map<string, NativeScript>()
  connectionCount = 0
  commandCount = 0
  #lastClientId = 0

  constructor({ clock, log, password }: ServerOptions) {
    this.clock = clock
    this.log = log
    this.password = password
    this.startedAt = clock.now()
    this.databases = Array.from({ length: databaseCount }, () => new Database(clock))
  }

  /** @throws {RedisError} when there is no such database. */
  database(index: number): Database {
    return this.databases[index] ?? refuse('ERR DB index is out of range')
  }

  connect(address: string, outlet: Outlet): Client {
    this.#lastClientId += 1
    this.connectionCount += 1
    const authenticated = this.password === undefined
    const client = new Client({ id: this.#lastClientId, address, now: this.clock.now(), authenticated }, outlet)
    this.clients.set(client.id, client)
    return client
  }

  disconnect(client: Client): void {
    client.waiting?.cancel()
    this.resetClient(client)
    this.clients.delete(client.id)
  }

  /** Takes back whatever the client set up: transaction, watched keys, subscriptions, monitoring. */
  resetClient(client: Client): void {
    client.transaction = undefined
    client.watch.release()
    client.tracking = undefined
    this.monitors.delete(client)
    for (const channel of client.channels) this.channels.unsubscribe(channel, client)
    for (const pattern of client.patterns) this.channels.unsubscribePattern(pattern, client)
    client.channels.clear()
    client.patterns.clear()
  }

  resetStatistics(): void {
    this.connectionCount = 0
    this.commandCount = 0
    for (const database of this.databases) database.expiredCount = 0
  }

  /** Serves whoever waits for a key that the last command filled. */
  serveWaiters(): void {
    for (const database of this.databases) database.serveWaiters()
  }

  /** Removes some of the keys that ran out, and goes on where many did. */
  sweep(): void {
    for (const database of this.databases) {
      let expired: number
      do expired = database.sweep(sweepSize)
      while (expired > sweepSize / 4)
    }
  }

  /** Shows a request to whoever listens with MONITOR. */
  feedMonitors(client: Client, request: readonly string[]): void {
    if (this.monitors.size === 0) return
    const seconds = (this.clock.now() / 1000).toFixed(6)
    const line = status(`${seconds} [${client.databaseIndex} ${client.address}] ${request.map(quoted).join(' ')}`)
    for (const monitor of this.monitors) monitor.send(line)
  }
}
