import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pollIntervalMs } from '../../../src/backend/database/database.ts'
import { toDatabaseTime } from '../../../src/backend/database/row.ts'
import { sqlitePath } from '../../../src/backend/database/sqlite.ts'
import { openBackend } from '../../../src/backend/open.ts'
import { chord } from '../../../src/canvas/signature.ts'
import { Celery } from '../../../src/celery.ts'
import { ManualClock } from '../../../src/clock.ts'
import { resultMeta } from '../../../src/protocol/result-meta.ts'
import { Worker } from '../../../src/worker/worker.ts'
import { backendConformance } from '../../conformance/backend.ts'
import { databaseCannot } from '../../support/database.ts'

describe('SQLite backend', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'celery-sandbox-sqlite-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))
  const at = (name: string) => `db+sqlite:///${join(directory, name)}`

  backendConformance((options) => openBackend(at('conformance.db'), options), databaseCannot)

  it('looks for results at its interval, and not once nobody waits', async () => {
    const clock = new ManualClock(0)
    const backend = await openBackend(at('polling.db'), { clock })
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const stop = await backend.watch('a', ({ result }) => resolve(result))
    await backend.store(resultMeta({ task_id: 'a', status: 'SUCCESS', result: 3 }, 0))
    clock.advance(pollIntervalMs)
    expect(await promise).toBe(3)
    stop()
    await backend.close()
  })

  it('deletes what has expired when it is told to clean up', async () => {
    const clock = new ManualClock(100_000_000)
    const backend = await openBackend(at('cleanup.db'), { clock, resultExpires: 60 })
    await backend.store(resultMeta({ task_id: 'old', status: 'SUCCESS' }, clock.now() - 61_000))
    await backend.store(resultMeta({ task_id: 'new', status: 'SUCCESS' }, clock.now() - 59_000))
    await backend.store(resultMeta({ task_id: 'running', status: 'STARTED' }, 0))
    await backend.cleanUp?.()
    expect(await backend.get('old')).toBeUndefined()
    expect(await backend.get('new')).toBeDefined()
    expect(await backend.get('running')).toBeDefined()
    await backend.close()
  })

  it('has no chord with a member whose end it would not see', async () => {
    const app = new Celery('chords', { brokerUrl: 'memory://chords', resultBackend: at('chords.db') })
    const quiet = app.signature('quiet').set({ ignoreResult: true })
    await expect(chord([quiet], app.signature('body')).delay()).rejects.toThrow('quiet in a chord ignores its result')
    expect(await (await app.transport()).size('celery')).toBe(0)
    await app.close()
  })

  it('is cleaned up by the task that Celery sends for it', async () => {
    const app = new Celery('cleanup', {
      brokerUrl: 'memory://cleanup',
      resultBackend: at('task.db'),
      resultExpires: 60,
    })
    await (await app.backend()).store(resultMeta({ task_id: 'old', status: 'SUCCESS' }, Date.now() - 61_000))
    const worker = new Worker(app, { hostname: 'w1@test' })
    await worker.start()
    await app.sendTask('celery.backend_cleanup').get({ timeout: 5 })
    expect(await app.asyncResult('old').state()).toBe('PENDING')
    expect(app.tasks.names()).toEqual([])
    await worker.stop()
    await app.close()
  })

  it('keeps for ever with resultExpires 0', async () => {
    const backend = await openBackend(at('forever.db'), { resultExpires: 0 })
    await backend.store(resultMeta({ task_id: 'old', status: 'SUCCESS' }, 0))
    await backend.cleanUp?.()
    expect(await backend.get('old')).toBeDefined()
    await backend.close()
  })

  it('tells who asks, and who waits, of a result that is more than data, and runs none of it', async () => {
    const url = at('bomb.db')
    const app = new Celery('x', { resultBackend: url, brokerUrl: 'memory://bomb' })
    await app.backend()
    const database = new DatabaseSync(sqlitePath(url))
    const trace = join(directory, 'run')
    const bomb = Buffer.from(`cposix\nsystem\n(S'touch ${trace}'\ntR.`)
    const insert = database.prepare('INSERT INTO celery_taskmeta (task_id, status, result) VALUES (?, ?, ?)')
    insert.run('bomb', 'SUCCESS', bomb)
    database.close()
    const refusal = { code: 'CONTENT_DISALLOWED', message: expect.stringContaining('names posix.system') }
    await expect(app.asyncResult('bomb').get({ timeout: 5 })).rejects.toMatchObject(refusal)
    await expect(app.asyncResult('bomb').state()).rejects.toMatchObject(refusal)
    expect(existsSync(trace)).toBe(false)
    await app.close()
  })

  it('says which file it could not open', async () => {
    await expect(openBackend('db+sqlite:////nowhere/results.db')).rejects.toMatchObject({
      code: 'BACKEND_UNREACHABLE',
      message: expect.stringContaining('db+sqlite:////nowhere/results.db'),
    })
  })

  it('says what the database refuses, and does not insist', async () => {
    const url = at('old.db')
    const database = new DatabaseSync(sqlitePath(url))
    database.exec('CREATE TABLE celery_taskmeta (task_id UNIQUE); CREATE TABLE celery_tasksetmeta (taskset_id)')
    database.close()
    const backend = await openBackend(url)
    await expect(backend.store(resultMeta({ task_id: 'a', status: 'SUCCESS' }, 0))).rejects.toMatchObject({
      code: 'IMPROPERLY_CONFIGURED',
      message: expect.stringContaining('has no column named id'),
    })
    await backend.close()
  })

  it('can live in memory', async () => {
    const backend = await openBackend('db+sqlite://')
    await backend.store(resultMeta({ task_id: 'a', status: 'SUCCESS', result: 3 }, 0))
    expect((await backend.get('a'))?.result).toBe(3)
    await backend.close()
  })
})

describe("SQLAlchemy's addresses of SQLite", () => {
  it.each([
    ['db+sqlite:///results.db', 'results.db'],
    ['db+sqlite:///data/results.db?timeout=5', 'data/results.db'],
    ['db+sqlite:////var/lib/results.db', '/var/lib/results.db'],
    ['db+sqlite:///:memory:', ':memory:'],
    ['db+sqlite://', ':memory:'],
  ])('%s is %s', (url, path) => {
    expect(sqlitePath(url)).toBe(path)
  })

  it('have no host', () => {
    expect(() => sqlitePath('db+sqlite://results.db')).toThrow('a SQLite address has no host')
  })
})

describe('times', () => {
  it('are UTC without saying so, to the microsecond, as SQLAlchemy writes them', () => {
    expect(toDatabaseTime('2026-11-20T09:22:33.017161+00:00')).toBe('2026-11-20 09:22:33.017161')
    expect(toDatabaseTime('2026-11-20T09:22:33+02:00')).toBe('2026-11-20 07:22:33.000000')
  })
})
