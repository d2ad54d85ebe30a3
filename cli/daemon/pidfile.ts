import { execFileSync } from 'node:child_process'
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { processStart } from '../../src/index.ts'
import { CliError } from '../errors.ts'

/** The process that a pid file names. */
export interface Holder {
  readonly pid: number
  /** Tells it from a later process with its number; undefined when it is gone. */
  readonly start: string | undefined
}

/**
 * Writes the number of this process to a file, as a sign that it runs. A file whose process is gone is taken over.
 *
 * @returns how to remove it, which also happens when this process ends
 * @throws {CliError} ALREADY_RUNNING when another process has it, UNWRITABLE
 */
export function takePidfile(path: string): () => void {
  const holder = readPidfile(path)
  if (holder?.start !== undefined && holder.pid !== process.pid) throw taken(path, holder.pid)
  if (holder) rmSync(path, { force: true })
  // It stays open: that is how others see whose it is.
  const fd = create(path)
  writeSync(fd, `${process.pid}\n`)
  let isHeld = true
  const release = () => {
    if (!isHeld) return
    isHeld = false
    process.off('exit', release)
    if (numberIn(path) === process.pid) rmSync(path, { force: true })
    closeSync(fd)
  }
  process.once('exit', release)
  return release
}

/** Whom a pid file names; undefined without a file. A file that holds something else names process 0, which is none. */
export function readPidfile(path: string): Holder | undefined {
  const pid = numberIn(path)
  if (pid === undefined) return undefined
  const start = pid === 0 ? undefined : processStart(pid)
  return { pid, start: start !== undefined && holds(pid, path) ? start : undefined }
}

function numberIn(path: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(path, 'utf8'), 10) || 0
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function create(path: string): number {
  try {
    return openSync(path, 'wx')
  } catch (cause) {
    // Of two that come here at once, one is refused.
    if (codeOf(cause) === 'EEXIST') throw taken(path, numberIn(path) ?? 0)
    throw new CliError('UNWRITABLE', `the pid file ${path} cannot be written: ${codeOf(cause)}`, { cause })
  }
}

const taken = (path: string, pid: number) =>
  new CliError('ALREADY_RUNNING', `${path} already exists: it seems to be running already (pid ${pid})`)

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : undefined)

/**
 * Numbers are given again, so the number alone says little. The process that took the file has it open; one of
 * Python's, which has not, began before it was written.
 */
function holds(pid: number, path: string): boolean {
  return hasOpen(pid, path) || beganAt(pid) <= statSync(path).mtimeMs + 1_000
}

function hasOpen(pid: number, path: string): boolean {
  try {
    const file = realpathSync(path)
    return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === file)
  } catch {
    return false // no such system, somebody else's process, or one that has just ended
  }
}

/** Epoch milliseconds, by the clock as it is set now. */
function beganAt(pid: number): number {
  if (process.platform !== 'linux') {
    return Date.parse(execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }))
  }
  const [uptime = ''] = readFileSync('/proc/uptime', 'utf8').split(' ')
  const ticksPerSecond = 100
  return Date.now() - (Number(uptime) - Number(processStart(pid) ?? 0) / ticksPerSecond) * 1_000
}
