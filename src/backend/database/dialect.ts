/** A connection to one database, as little of it as results need. */
export interface Database {
  readonly dialect: Dialect
  /**
   * Runs one statement; parameters are `$1`, `$2` … in the text. Times are text without a zone, in UTC.
   *
   * @throws {CeleryError} BACKEND_UNREACHABLE, LOGIN_REFUSED; IMPROPERLY_CONFIGURED when it refuses the statement
   */
  run(statement: string, parameters?: readonly Parameter[]): Promise<Row[]>
  close(): Promise<void>
}

/** What may mend a statement that the database refuses. */
export const nextForRefusal =
  "Give its user the right to Celery's tables, and these the columns that Celery gives them."

export type Parameter = string | number | Uint8Array | null
export type Row = Readonly<Record<string, unknown>>

/** Where databases differ. */
export interface Dialect {
  /** What makes Celery's tables where there are none. */
  readonly schema: readonly string[]
  /** The expression for a new id of a table. */
  newId(table: Table): string
}

export type Table = 'celery_taskmeta' | 'celery_tasksetmeta'

/** Columns and constraints as SQLAlchemy makes them of the models of Celery 5.6. */
function tables(type: { id: string; bytes: string; time: string }): string[] {
  return [
    `CREATE TABLE IF NOT EXISTS celery_taskmeta (
      id ${type.id}, task_id VARCHAR(155), status VARCHAR(50), result ${type.bytes}, date_done ${type.time},
      traceback TEXT, name VARCHAR(155), args ${type.bytes}, kwargs ${type.bytes}, worker VARCHAR(155),
      retries INTEGER, queue VARCHAR(155), UNIQUE (task_id))`,
    'CREATE INDEX IF NOT EXISTS ix_celery_taskmeta_date_done ON celery_taskmeta (date_done)',
    `CREATE TABLE IF NOT EXISTS celery_tasksetmeta (
      id ${type.id}, taskset_id VARCHAR(155), result ${type.bytes}, date_done ${type.time}, UNIQUE (taskset_id))`,
    'CREATE INDEX IF NOT EXISTS ix_celery_tasksetmeta_date_done ON celery_tasksetmeta (date_done)',
  ]
}

export const sqlite: Dialect = {
  schema: tables({ id: 'INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT', bytes: 'BLOB', time: 'DATETIME' }),
  newId: () => 'NULL',
}

const sequences: Readonly<Record<Table, string>> = {
  celery_taskmeta: 'task_id_sequence',
  celery_tasksetmeta: 'taskset_id_sequence',
}

export const postgresql: Dialect = {
  schema: [
    ...Object.values(sequences).map((sequence) => `CREATE SEQUENCE IF NOT EXISTS ${sequence}`),
    // Before 5.6.3 ids were INTEGER, which readers and writers need not know.
    ...tables({ id: 'BIGINT NOT NULL PRIMARY KEY', bytes: 'BYTEA', time: 'TIMESTAMP WITHOUT TIME ZONE' }),
  ],
  newId: (table) => `nextval('${sequences[table]}')`,
}
