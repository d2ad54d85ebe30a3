import postgres from 'postgres'
import { beforeAll, describe, expect, it } from 'vitest'
import { openBackend } from '../../src/backend/open.ts'
import { ManualClock } from '../../src/clock.ts'
import { resultMeta } from '../../src/protocol/result-meta.ts'
import { backendConformance } from '../conformance/backend.ts'
import { databaseCannot } from '../support/database.ts'
import { freshPostgresqlUrl } from '../support/fresh.ts'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith } from '../support/parts.ts'

failOnLeaks()

describeWith(['postgresql'], 'PostgreSQL', () => {
  let url = ''
  beforeAll(async () => {
    url = await freshPostgresqlUrl()
  })

  describe('as a backend', () => backendConformance((options) => openBackend(`db+${url}`, options), databaseCannot))

  it('is reached by an address that names a library of Python', async () => {
    const backend = await openBackend(`db+${url.replace('postgresql:', 'postgresql+psycopg2:')}`)
    expect(await backend.get('nobody')).toBeUndefined()
    expect(backend.url).not.toContain('sandbox:sandbox')
    await backend.close()
  })

  it('gets its tables once, however many begin at the same time', async () => {
    const empty = `db+${await freshPostgresqlUrl()}`
    const backends = await Promise.all(Array.from({ length: 6 }, () => openBackend(empty)))
    await backends[0]?.store(resultMeta({ task_id: 'a', status: 'SUCCESS', result: 3 }, 0))
    expect((await backends[5]?.get('a'))?.result).toBe(3)
    await Promise.all(backends.map((backend) => backend.close()))
  })

  it('keeps a time as UTC, to the microsecond', async () => {
    const backend = await openBackend(`db+${url}`)
    const meta = {
      ...resultMeta({ task_id: 'time', status: 'SUCCESS' }, 0),
      date_done: '2026-07-01T09:22:33.017161+00:00',
    }
    await backend.store(meta)
    const sql = postgres(url)
    const [row] = await sql`SELECT CAST(date_done AS TEXT) AS text FROM celery_taskmeta WHERE task_id = 'time'`
    await sql.end()
    expect(row?.text).toBe('2026-07-01 09:22:33.017161')
    expect((await backend.get('time'))?.date_done).toBe(meta.date_done)
    await backend.close()
  })

  it('keeps and tells results after its connections were cut', async () => {
    const own = await freshPostgresqlUrl()
    const backend = await openBackend(`db+${own}`)
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const stop = await backend.watch('a', ({ result }) => resolve(result))
    const sql = postgres(url)
    const name = new URL(own).pathname.slice(1)
    const cut = await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${name}`
    await sql.end()
    expect(cut.length).toBeGreaterThan(0)
    await backend.store(resultMeta({ task_id: 'a', status: 'SUCCESS', result: 3 }, 0))
    expect(await promise).toBe(3)
    stop()
    await backend.close()
  })

  it('deletes what has expired when it is told to clean up', async () => {
    const clock = new ManualClock(100_000_000)
    const backend = await openBackend(`db+${url}`, { clock, resultExpires: 60 })
    await backend.store(resultMeta({ task_id: 'old', status: 'SUCCESS' }, clock.now() - 61_000))
    await backend.store(resultMeta({ task_id: 'new', status: 'SUCCESS' }, clock.now() - 59_000))
    await backend.cleanUp?.()
    expect([await backend.get('old'), (await backend.get('new'))?.status]).toEqual([undefined, 'SUCCESS'])
    await backend.close()
  })

  it('that refuses the login, or is not there, is named without its password', async () => {
    const wrong = `db+${url.replace('sandbox:sandbox', 'sandbox:guessed')}`
    const refused = await openBackend(wrong).catch((error) => error)
    expect(refused).toMatchObject({ code: 'LOGIN_REFUSED' })
    expect(refused.message).not.toContain('guessed')
    await expect(openBackend('db+postgresql://u:secret@127.0.0.1:1/x')).rejects.toMatchObject({
      code: 'BACKEND_UNREACHABLE',
      message: expect.stringContaining('u:**@127.0.0.1:1'),
    })
  })
})
