import type { ScheduleStore, Stored } from './store.ts'

/** Forgets with its process. */
export class MemoryStore implements ScheduleStore {
  readonly description = 'memory'
  #stored: Stored | undefined

  async acquire(): Promise<void> {}

  async isMine(): Promise<boolean> {
    return true
  }

  async load(): Promise<Stored | undefined> {
    return this.#stored
  }

  async save(stored: Stored): Promise<void> {
    this.#stored = stored
  }

  async close(): Promise<void> {}
}
