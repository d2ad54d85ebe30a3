import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, StackError, systemCodeOf } from '../errors.ts'
import { stateFiles, writeWhole } from '../state-directory.ts'

export interface LockOptions {
  /** Who this is, for those who wait: `up`. */
  readonly holder: string
  /** Told once, when there is somebody to wait for. */
  readonly onWait: (holder: string) => void
  readonly signal: AbortSignal
  /** @default five minutes */
  readonly timeoutMs?: number
}

/**
 * Does what changes a project while nobody else changes it, whichever process that is. The lock is the operating
 * system's own, on an empty SQLite file: it goes when its holder ends, however it ends, so that none is ever stale.
 *
 * @throws {StackError} PROJECT_BUSY when the other one takes too long; STATE_UNUSABLE
 */
export async function whileAlone<T>(directory: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const database = open(directory)
  try {
    await acquire(database, directory, options)
    try {
      return await work()
    } finally {
      rmSync(stateFiles.lockHolder(directory), { force: true })
    }
  } finally {
    database.close()
  }
}

/** Who holds a project, without waiting; `left over`: one that was ended before it could say that it is done. */
export function lockState(directory: string): { state: 'free' | 'held' | 'left over'; holder: string } {
  const holder = existsSync(stateFiles.lockHolder(directory)) ? readHolder(directory) : ''
  if (!existsSync(stateFiles.lock(directory))) return { state: 'free', holder }
  try {
    const database = open(directory)
    try {
      return isTaken(database) ? { state: holder ? 'left over' : 'free', holder } : { state: 'held', holder }
    } finally {
      database.close()
    }
  } catch {
    return { state: 'free', holder }
  }
}

function open(directory: string): DatabaseSync {
  const file = stateFiles.lock(directory)
  try {
    mkdirSync(dirname(file), { recursive: true })
    return new (loadSqlite().DatabaseSync)(file)
  } catch (cause) {
    const why = systemCodeOf(cause) === 'EEXIST' ? 'it is a file' : messageOf(cause)
    throw new StackError('STATE_UNUSABLE', `${dirname(file)} cannot be used: ${why}`, { cause })
  }
}

function loadSqlite() {
  const { emitWarning } = process
  process.emitWarning = () => {} // Node 22 calls the module experimental, on standard error
  try {
    return process.getBuiltinModule('node:sqlite')
  } finally {
    process.emitWarning = emitWarning
  }
}

const defaultTimeoutMs = 300_000
const everyMs = 100

async function acquire(
  database: DatabaseSync,
  directory: string,
  { holder, onWait, signal, timeoutMs = defaultTimeoutMs }: LockOptions,
): Promise<void> {
  for (let waitedMs = 0; !isTaken(database); waitedMs += everyMs) {
    const other = readHolder(directory)
    if (waitedMs >= timeoutMs) {
      throw new StackError('PROJECT_BUSY', `${other} is still at work on this project`)
    }
    // Whoever has just taken it is still writing its name.
    if (waitedMs === everyMs) onWait(other)
    await sleep(everyMs, undefined, { signal })
  }
  writeWhole(stateFiles.lockHolder(directory), `${holder} (process ${process.pid})`)
}

const busy = 5 // SQLITE_BUSY

function isTaken(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE')
    return true
  } catch (thrown) {
    if ((thrown as { errcode?: number }).errcode === busy) return false
    throw new StackError('STATE_UNUSABLE', `the lock of this project cannot be taken: ${messageOf(thrown)}`)
  }
}

function readHolder(directory: string): string {
  try {
    return readFileSync(stateFiles.lockHolder(directory), 'utf8')
  } catch {
    return 'another command'
  }
}
