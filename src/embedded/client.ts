import type { Waiting } from './blocking.ts'
import type { Reader } from './database.ts'
import { RedisError } from './redis-error.ts'
import { encode, type Protocol, type Reply } from './reply.ts'
import { type Transaction, Watch } from './transaction.ts'

/** Where a client's replies go. */
export interface Outlet {
  /** Takes bytes, one per character; sends them by the end of the tick. */
  write(bytes: string): void
  /** Hangs up once everything is written. */
  end(): void
}

/** What the server knows of one connected client. */
export class Client {
  readonly id: number
  /** host:port */
  readonly address: string
  /** Epoch milliseconds. */
  readonly connectedAt: number
  lastActiveAt: number
  name = ''
  libraryName = ''
  libraryVersion = ''
  protocol: Protocol = 2
  authenticated: boolean
  databaseIndex = 0
  lastCommand = ''
  transaction: Transaction | undefined
  /** Set while a blocking command waits; its later requests wait behind it. */
  waiting: Waiting | undefined
  readonly watch = new Watch()
  /** Set while it wants to know when what it has read changes. */
  tracking: Reader | undefined
  readonly channels = new Set<string>()
  readonly patterns = new Set<string>()
  readonly #outlet: Outlet

  constructor(
    { id, address, now, authenticated }: { id: number; address: string; now: number; authenticated: boolean },
    outlet: Outlet,
  ) {
    this.id = id
    this.address = address
    this.connectedAt = now
    this.lastActiveAt = now
    this.authenticated = authenticated
    this.#outlet = outlet
  }

  get subscriptionCount(): number {
    return this.channels.size + this.patterns.size
  }

  send(reply: Reply): void {
    this.#outlet.write(this.#encode(reply))
  }

  close(): void {
    this.#outlet.end()
  }

  #encode(reply: Reply): string {
    try {
      return encode(reply, this.protocol)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      return encode(new RedisError('ERR the reply is longer than this embedded broker can write'), this.protocol)
    }
  }
}
