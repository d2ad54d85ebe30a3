import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sqlitePath } from '../../src/backend/database/sqlite.ts'
import { openBackend } from '../../src/backend/open.ts'
import { resultMeta } from '../../src/protocol/result-meta.ts'
import { freshPostgresqlUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'
import { type PythonClient, pythonClient } from '../support/python/client.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'celery-sandbox-database-'))
})
afterAll(() => rm(directory, { recursive: true }))

const databases = [
  {
    title: 'SQLite',
    needs: [],
    fresh: async (name: string) => `db+sqlite:///${join(directory, name)}`,
    columns(url: string): unknown {
      const database = new DatabaseSync(sqlitePath(url), { readOnly: true })
      const columns = ['celery_taskmeta', 'celery_tasksetmeta'].map((table) =>
        database.prepare(`SELECT name, type, "notnull", pk FROM pragma_table_info('${table}')`).all(),
      )
      database.close()
      return columns
    },
  },
  {
    title: 'PostgreSQL',
    needs: ['postgresql'] as const,
    fresh: async () => `db+${await freshPostgresqlUrl()}`,
    /** The width of an id apart, which has grown from one Celery to another. */
    async columns(url: string): Promise<unknown> {
      const sql = postgres(url.replace('db+', ''))
      const columns = await sql`
        SELECT table_name, column_name, replace(data_type, 'bigint', 'integer') AS data_type, character_maximum_length, is_nullable, column_default
        FROM information_schema.columns WHERE table_name LIKE 'celery%' ORDER BY table_name, ordinal_position`
      const constraints = await sql`
        SELECT table_name, constraint_name, constraint_type FROM information_schema.table_constraints
        WHERE table_name LIKE 'celery%' AND constraint_type <> 'CHECK' ORDER BY constraint_name`
      const sequences = await sql`SELECT sequence_name FROM information_schema.sequences ORDER BY sequence_name`
      await sql.end()
      return [[...columns], [...constraints], [...sequences]]
    },
  },
]

for (const { title, needs, fresh, columns } of databases) {
  describeWith(['python', ...needs], `${title} and Celery`, () => {
    it('have the same tables, whoever made them', async () => {
      const [ours, theirs] = [await fresh('ours.db'), await fresh('theirs.db')]
      await (await openBackend(ours)).close()
      await using python = await pythonClient({ broker: 'memory://', backend: theirs })
      await python.eval('app.backend.get_task_meta("nobody")')
      expect(await columns(ours)).toEqual(await columns(theirs))
    })

    describe('in one database', () => {
      let url = ''
      let python: PythonClient
      beforeAll(async () => {
        url = await fresh('shared.db')
        python = await pythonClient({ broker: 'memory://', backend: url, settings: { result_extended: true } })
      })
      afterAll(() => python.stop())

      it('share what is kept with a result', async () => {
        const backend = await openBackend(url)
        const extended = {
          name: 't.add',
          args: [1, 'ö'],
          kwargs: { y: null },
          worker: 'w@h',
          retries: 2,
          queue: 'calc',
        }
        const meta = { ...resultMeta({ task_id: 'ours', status: 'SUCCESS', result: { a: [1] } }, 0), ...extended }
        await backend.store(meta)
        const read =
          'r = AsyncResult("ours", app=app)\n[r.result, r.name, r.args, r.kwargs, r.worker, r.retries, r.queue]'
        expect(await python.eval(read)).toEqual([{ a: [1] }, ...Object.values(extended)])
        await backend.close()
      })

      it("go on with each other's rows, but not with a success", async () => {
        const backend = await openBackend(url)
        await python.eval('app.backend.store_result("row", {"pid": 1}, "STARTED")')
        expect(await backend.get('row')).toMatchObject({ status: 'STARTED', result: { pid: 1 }, date_done: null })
        await backend.store(resultMeta({ task_id: 'row', status: 'RETRY', result: null }, 0))
        await python.eval('app.backend.store_result("row", (1, {2}), "SUCCESS")')
        await backend.store(resultMeta({ task_id: 'row', status: 'FAILURE', result: null }, 0))
        expect(await backend.get('row')).toMatchObject({ status: 'SUCCESS', result: [1, new Set([2])] })
        await backend.close()
      })

      it('clean up after each other', async () => {
        const backend = await openBackend(url, { resultExpires: 60 })
        await backend.store(resultMeta({ task_id: 'old', status: 'SUCCESS' }, Date.now() - 61_000))
        await python.eval('app.backend.store_result("young", 1, "SUCCESS")')
        await backend.cleanUp?.()
        expect(await python.eval('[AsyncResult(i, app=app).state for i in ("old", "young")]')).toEqual([
          'PENDING',
          'SUCCESS',
        ])
        await backend.store(resultMeta({ task_id: 'older', status: 'SUCCESS' }, Date.now() - 2 * 86_400_000))
        await python.eval('app.backend.cleanup()')
        expect(await backend.get('older')).toBeUndefined()
        expect(await backend.get('young')).toBeDefined()
        await backend.close()
      })
    })
  })
}
