import { readFileSync } from 'node:fs'

/**
 * What tells a process from a later one with the same number: on Linux when it began, in ticks since the system did;
 * elsewhere always '0'. Undefined when there is no such process; one that only waits to be reaped is none.
 */
export function processStart(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return isThere(pid) ? '0' : undefined
  // After the name in brackets: the state first, the time of the start twentieth.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? undefined : fields[19]
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
