import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { CeleryError, messageOf } from '../../errors.ts'
import { maskUrl } from '../../url.ts'
import type { Backend, BackendOptions } from '../backend.ts'
import { openDatabase } from './database.ts'
import { type Database, nextForRefusal, type Parameter, sqlite } from './dialect.ts'

/** SQLite in this process: a statement holds the event loop while it runs, and while another process writes. */
export const openSqlite = (url: string, options: BackendOptions): Promise<Backend> =>
  openDatabase(url, options, connect(url, options))

function connect(url: string, { connectTimeoutMs }: BackendOptions): Database {
  const path = sqlitePath(url)
  try {
    const database: DatabaseSync = new (loadSqlite().DatabaseSync)(path, { timeout: connectTimeoutMs })
    return {
      dialect: sqlite,
      async run(statement, parameters = []) {
        try {
          return database.prepare(statement).all(named(parameters))
        } catch (cause) {
          throw statementError(url, cause)
        }
      },
      close: async () => database.close(),
    }
  } catch (cause) {
    const next = 'Give the path of a file that this process may write: db+sqlite:///results.db, or four slashes.'
    throw new CeleryError('BACKEND_UNREACHABLE', `cannot open ${maskUrl(url)}: ${messageOf(cause)}`, { cause, next })
  }
}

/** SQLITE_BUSY and SQLITE_LOCKED: another process held it for longer than we wait. */
const passing: readonly unknown[] = [5, 6]

function statementError(url: string, cause: unknown): CeleryError {
  const isPassing = passing.includes((cause as { errcode?: number }).errcode)
  const message = `${maskUrl(url)}: ${messageOf(cause)}`
  if (isPassing) return new CeleryError('BACKEND_UNREACHABLE', message, { cause })
  return new CeleryError('IMPROPERLY_CONFIGURED', message, { cause, next: nextForRefusal })
}

// SQLite takes `$1` for a name.
const named = (parameters: readonly Parameter[]): Record<string, SQLInputValue> =>
  Object.fromEntries(parameters.map((value, i) => [`$${i + 1}`, value]))

function loadSqlite() {
  const { emitWarning } = process
  process.emitWarning = () => {} // Node 22 calls the module experimental, on standard error
  try {
    return process.getBuiltinModule('node:sqlite')
  } finally {
    process.emitWarning = emitWarning
  }
}

/** As SQLAlchemy has it: three slashes and a relative path, four and an absolute one, none for a database in memory. */
export function sqlitePath(url: string): string {
  const [, host = '', path = ''] = /^[^:]+:\/\/([^/?]*)(?:\/([^?]*))?/.exec(url) ?? []
  if (host !== '') {
    const next = 'Write db+sqlite:///relative.db, db+sqlite:////absolute/path.db or db+sqlite:// for one in memory.'
    throw new CeleryError('IMPROPERLY_CONFIGURED', `a SQLite address has no host: ${maskUrl(url)}`, { next })
  }
  return path === '' ? ':memory:' : path
}
