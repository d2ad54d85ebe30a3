import type { Database, Watcher } from './database.ts'
import type { Reply } from './reply.ts'

/** What a client gathers between MULTI and EXEC. */
export interface Transaction {
  readonly queue: (() => Reply)[]
  /** A command could not be queued: EXEC will refuse. */
  aborted: boolean
}

/** The keys that a client watches until its next EXEC. */
export class Watch implements Watcher {
  touched = false
  #keys: { db: Database; key: string }[] = []

  add(db: Database, key: string): void {
    this.#keys.push({ db, key })
    db.watch(key, this)
  }

  /** Watches nothing any more; returns whether a key was touched meanwhile. */
  release(): boolean {
    for (const { db, key } of this.#keys) db.unwatch(key, this)
    this.#keys = []
    const { touched } = this
    this.touched = false
    return touched
  }
}
