import type { ResultMeta, ResultTuple } from '../protocol/result-meta.ts'
import { states } from '../protocol/states.ts'
import type { Backend, BackendOptions, ChordMember, ChordStore, GroupStore } from './backend.ts'
import { isNested } from './backend.ts'

/** Results inside the process, for tests: every `memory://name` of one process is the same store. */
export async function openMemory(url: string, options: BackendOptions): Promise<Backend> {
  const store = stores.get(url) ?? emptyStore()
  stores.set(url, store)
  return new MemoryBackend(url, store, options)
}

/** Results that nobody else in the process sees. */
export const openPrivateMemory = (options: BackendOptions): Backend =>
  new MemoryBackend('memory://', emptyStore(), options)

type Watcher = (meta: ResultMeta) => void

interface Store {
  metas: Map<string, ResultMeta>
  watchers: Map<string, Set<Watcher>>
  /** Epoch milliseconds; the first to expire first. */
  expiries: Map<string, number>
  groups: Map<string, ResultTuple>
  chords: Map<string, Count>
}

interface Count {
  size: number
  readonly members: Map<string, ChordMember>
  /** Who completed it. */
  completedBy?: string
}

const stores = new Map<string, Store>()

const emptyStore = (): Store => ({
  metas: new Map(),
  watchers: new Map(),
  expiries: new Map(),
  groups: new Map(),
  chords: new Map(),
})

class MemoryBackend implements Backend {
  readonly name = 'memory'
  readonly isShared = true
  readonly url: string
  readonly #store: Store
  readonly #options: BackendOptions

  constructor(url: string, store: Store, options: BackendOptions) {
    this.url = url
    this.#store = store
    this.#options = options
  }

  async store(given: ResultMeta): Promise<void> {
    const { metas, watchers } = this.#store
    // A copy, as every other backend would give: nobody may change what is stored.
    const meta = structuredClone(given)
    if (metas.get(meta.task_id)?.status === states.SUCCESS) return
    metas.set(meta.task_id, meta)
    this.#expireLater(meta.task_id)
    this.#dropExpired()
    for (const watcher of watchers.get(meta.task_id) ?? []) watcher(structuredClone(meta))
  }

  async get(taskId: string): Promise<ResultMeta | undefined> {
    this.#dropExpired()
    return structuredClone(this.#store.metas.get(taskId))
  }

  async watch(taskId: string, onMeta: Watcher): Promise<() => void> {
    const watchers = this.#store.watchers.get(taskId) ?? new Set()
    this.#store.watchers.set(taskId, watchers.add(onMeta))
    const meta = await this.get(taskId)
    if (meta) onMeta(meta)
    return () => {
      watchers.delete(onMeta)
      if (watchers.size === 0) this.#store.watchers.delete(taskId)
    }
  }

  async forget(taskId: string): Promise<void> {
    this.#store.metas.delete(taskId)
    this.#store.expiries.delete(taskId)
  }

  get groups(): GroupStore {
    const { groups } = this.#store
    return {
      save: async (groupId, tuple) => void groups.set(groupId, structuredClone(tuple)),
      restore: async (groupId) => structuredClone(groups.get(groupId)),
      delete: async (groupId) => void groups.delete(groupId),
    }
  }

  get chords(): ChordStore {
    const { groups, chords } = this.#store
    return {
      expect: async (groupId, size, header) => {
        chords.set(groupId, { size, members: new Map() })
        if (isNested(header)) groups.set(groupId, structuredClone(header))
      },
      extend: async (groupId, by) => {
        const count = chords.get(groupId)
        if (count) count.size += by
      },
      end: async (groupId, member) => {
        const count = chords.get(groupId)
        if (!count) return undefined
        const isNew = !count.members.has(member.id)
        if (isNew) count.members.set(member.id, structuredClone(member))
        if (count.members.size !== count.size) return undefined
        if (isNew) count.completedBy = member.id
        return count.completedBy === member.id ? inOrder(count.members.values()) : undefined
      },
      forget: async (groupId) => void chords.delete(groupId),
    }
  }

  async close(): Promise<void> {}

  // Not by timers: each would hold what it was set in, the task that stored the result, for a day.
  #expireLater(taskId: string): void {
    const { clock, resultExpires } = this.#options
    this.#store.expiries.delete(taskId)
    if (resultExpires > 0) this.#store.expiries.set(taskId, clock.now() + resultExpires * 1000)
  }

  #dropExpired(): void {
    const now = this.#options.clock.now()
    for (const [taskId, deadline] of this.#store.expiries) {
      if (deadline > now) return
      this.#store.metas.delete(taskId)
      this.#store.expiries.delete(taskId)
    }
  }
}

const inOrder = (members: Iterable<ChordMember>): ChordMember[] =>
  structuredClone([...members]).sort((a, b) => (a.index ?? Infinity) - (b.index ?? Infinity))
