import type { TransportOptions } from '../transport.ts'
import type { Redis } from './connection.ts'
import type { Doorbell } from './doorbell.ts'
import type { Keys } from './keys.ts'
import type { Scripts } from './scripts.ts'
import type { Unacked } from './unacked.ts'

/** What the parts of this transport share. */
export interface RedisLink {
  readonly keys: Keys
  readonly doorbell: Doorbell
  readonly commands: Redis
  readonly scripts: Scripts
  readonly unacked: Unacked
  readonly options: TransportOptions
  /** A connection of one's own, for commands that block or subscribe. */
  connect(): Promise<Redis>
}
