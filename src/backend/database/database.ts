import { isDeepStrictEqual } from 'node:util'
import type { Timer } from '../../clock.ts'
import { messageOf } from '../../errors.ts'
import { persist } from '../../persist.ts'
import { isoDate } from '../../protocol/json.ts'
import type { ResultMeta } from '../../protocol/result-meta.ts'
import { states } from '../../protocol/states.ts'
import { maskUrl } from '../../url.ts'
import { type Backend, type BackendOptions, storePolicy } from '../backend.ts'
import type { Database, Row, Table } from './dialect.ts'
import { toColumns, toDatabaseTime, toMeta } from './row.ts'

/** Results in Celery's own tables, so that Python and TypeScript read each other's (§5.4 of its wire formats). */
export async function openDatabase(url: string, options: BackendOptions, database: Database): Promise<Backend> {
  try {
    await prepare(database)
  } catch (error) {
    await database.close()
    throw error
  }
  return new DatabaseBackend(url, database, options)
}

/** A database tells nobody of a change, so who waits looks twice a second, as Celery does. */
export const pollIntervalMs = 500

interface Watch {
  readonly taskId: string
  readonly onMeta: (meta: ResultMeta) => void
  readonly onError: (error: Error) => void
  /** What was told last. */
  last: Row | undefined
}

class DatabaseBackend implements Backend {
  readonly name = 'database'
  readonly isShared = true
  readonly url: string
  readonly #database: Database
  readonly #options: BackendOptions
  readonly #watches = new Set<Watch>()
  #nextPoll: Timer | undefined

  constructor(url: string, database: Database, options: BackendOptions) {
    this.url = maskUrl(url)
    this.#database = database
    this.#options = options
  }

  async store(meta: ResultMeta): Promise<void> {
    const columns = toColumns(meta)
    const names = Object.keys(columns)
    const table: Table = 'celery_taskmeta'
    const statement = `INSERT INTO ${table} (id, ${names})
       VALUES (${this.#database.dialect.newId(table)}, ${names.map((_, i) => `$${i + 1}`)})
       ON CONFLICT (task_id) DO UPDATE SET ${names.map((name) => `${name} = excluded.${name}`)}
       WHERE ${table}.status <> '${states.SUCCESS}'`
    const { clock } = this.#options
    await persist(() => this.#database.run(statement, Object.values(columns)), clock, storePolicy)
  }

  async get(taskId: string): Promise<ResultMeta | undefined> {
    const [row] = await this.#rows([taskId])
    return row && toMeta(row)
  }

  async watch(taskId: string, onMeta: Watch['onMeta'], onError: Watch['onError'] = () => {}): Promise<() => void> {
    const watch: Watch = { taskId, onMeta, onError, last: undefined }
    this.#watches.add(watch)
    const [row] = await this.#rows([taskId])
    if (row) tell(watch, row)
    this.#pollLater()
    return () => {
      this.#watches.delete(watch)
      if (this.#watches.size === 0) this.#stopPolling()
    }
  }

  async forget(taskId: string): Promise<void> {
    await this.#database.run('DELETE FROM celery_taskmeta WHERE task_id = $1', [taskId])
  }

  async cleanUp(): Promise<void> {
    const { clock, resultExpires } = this.#options
    if (resultExpires === 0) return
    const expired = toDatabaseTime(isoDate(new Date(clock.now() - resultExpires * 1000)))
    for (const table of ['celery_taskmeta', 'celery_tasksetmeta'] satisfies Table[]) {
      await this.#database.run(`DELETE FROM ${table} WHERE date_done < $1`, [expired])
    }
  }

  async close(): Promise<void> {
    this.#watches.clear()
    this.#stopPolling()
    await this.#database.close()
  }

  #rows(taskIds: readonly string[]): Promise<Row[]> {
    const places = taskIds.map((_, i) => `$${i + 1}`)
    return this.#database.run(`SELECT * FROM celery_taskmeta WHERE task_id IN (${places})`, taskIds)
  }

  #pollLater(): void {
    if (this.#watches.size === 0) return
    this.#nextPoll ??= this.#options.clock.timer(() => void this.#poll(), pollIntervalMs)
  }

  #stopPolling(): void {
    this.#nextPoll?.cancel()
    this.#nextPoll = undefined
  }

  async #poll(): Promise<void> {
    this.#nextPoll = undefined
    const watches = [...this.#watches]
    try {
      const rows = await this.#rows([...new Set(watches.map(({ taskId }) => taskId))])
      const byId = new Map(rows.map((row) => [row.task_id, row]))
      for (const watch of watches) {
        const row = byId.get(watch.taskId)
        if (row && this.#watches.has(watch)) tell(watch, row)
      }
    } catch (error) {
      if (this.#watches.size > 0) this.#options.log.warning(`results are looked for again: ${messageOf(error)}`)
    }
    this.#pollLater()
  }
}

function tell(watch: Watch, row: Row): void {
  if (isDeepStrictEqual(row, watch.last)) return
  watch.last = row
  try {
    const meta = toMeta(row)
    if (meta) watch.onMeta(meta)
  } catch (error) {
    watch.onError(error as Error)
  }
}

/** Makes the tables where there are none; another process may do the same at the same time. */
async function prepare(database: Database): Promise<void> {
  const isReady = async () =>
    database.run('SELECT 1 FROM celery_taskmeta, celery_tasksetmeta WHERE 1 = 0').then(
      () => true,
      () => false,
    )
  await database.run('SELECT 1') // a database that cannot be reached is told at once
  for (let attempt = 1; !(await isReady()); attempt++) {
    try {
      for (const statement of database.dialect.schema) await database.run(statement)
    } catch (error) {
      if (attempt === 10) throw error
    }
  }
}
