import postgres from 'postgres'
import { CeleryError, messageOf } from '../../errors.ts'
import { maskUrl } from '../../url.ts'
import type { Backend, BackendOptions } from '../backend.ts'
import { openDatabase } from './database.ts'
import { type Database, nextForRefusal, postgresql } from './dialect.ts'

/** PostgreSQL; the home of the library `postgres`. */
export const openPostgresql = (url: string, options: BackendOptions): Promise<Backend> =>
  openDatabase(url, options, connect(url, options))

function connect(url: string, { connectTimeoutMs }: BackendOptions): Database {
  const sql = postgres(url.replace(/^[^:]+/, 'postgres'), {
    max: 4,
    connect_timeout: connectTimeoutMs / 1000,
    fetch_types: false,
    onnotice: () => {},
    // A time without a zone stays text: the library would take it for local time.
    types: { timestamp: { to: 1114, from: [1114], serialize: String, parse: String } },
  })
  return {
    dialect: postgresql,
    async run(statement, parameters = []) {
      try {
        return [...(await sql.unsafe(statement, [...parameters]))]
      } catch (cause) {
        throw databaseError(url, cause)
      }
    },
    close: () => sql.end({ timeout: 1 }),
  }
}

/** Invalid password, and invalid authorization. */
const refusals = ['28P01', '28000']

/** Classes of SQLSTATE: the connection, resources, shutdown, and a database that is not there (yet). */
const passing = /^(08|53|57|58|3D)/

function databaseError(url: string, cause: unknown): CeleryError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (refusals.includes(code)) {
    return new CeleryError('LOGIN_REFUSED', `${maskUrl(url)} refuses the login: ${messageOf(cause)}`, { cause })
  }
  const isPassing = code.length !== 5 || passing.test(code)
  const next = nextForRefusal
  if (!isPassing)
    return new CeleryError('IMPROPERLY_CONFIGURED', `${maskUrl(url)}: ${messageOf(cause)}`, { cause, next })
  return new CeleryError('BACKEND_UNREACHABLE', `cannot use ${maskUrl(url)}: ${messageOf(cause)}`, { cause })
}
