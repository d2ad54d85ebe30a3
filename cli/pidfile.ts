import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { CliError } from './errors.ts'

/**
 * Writes the number of this process to a file, as a sign that it runs. A file whose process is gone is taken over.
 *
 * @returns how to remove it, which also happens when this process ends
 * @throws {CliError} ALREADY_RUNNING when another process has it
 */
export function takePidfile(path: string): () => void {
  const holder = read(path)
  if (holder !== undefined && holder !== process.pid && isAlive(holder)) {
    throw new CliError('ALREADY_RUNNING', `${path} already exists: it seems to be running already (pid ${holder})`)
  }
  if (holder !== undefined) rmSync(path, { force: true })
  // Of two that come here at once, one is refused.
  writeFileSync(path, `${process.pid}\n`, { flag: 'wx' })
  const release = () => {
    process.off('exit', release)
    if (read(path) === process.pid) rmSync(path, { force: true })
  }
  process.once('exit', release)
  return release
}

/** Undefined without a file; 0, which is no process, for one that holds something else. */
function read(path: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(path, 'utf8'), 10) || 0
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function isAlive(pid: number): boolean {
  if (pid === 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
