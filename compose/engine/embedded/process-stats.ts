import { readdirSync, readFileSync } from 'node:fs'

/** What a process and all it started have used, as far as the system shows it. */
export interface TreeUsage {
  /** Since each of them began. */
  readonly cpuMs: number
  readonly memoryBytes: number
  readonly processes: number
}

/** Whether the system shows what processes use. */
export const showsUsage: boolean = process.platform === 'linux'

/** Of a process and its descendants. */
export function usageOf(root: number): TreeUsage {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (readProcess(Number(name)) ?? []) : []))
  const tree = new Set([root])
  for (let before = 0; before < tree.size; ) {
    before = tree.size
    for (const { pid, parent } of all) if (tree.has(parent)) tree.add(pid)
  }
  const members = all.filter(({ pid }) => tree.has(pid))
  return {
    cpuMs: members.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    memoryBytes: members.reduce((sum, { pid }) => sum + memoryOf(pid), 0),
    processes: members.length,
  }
}

/** Linux counts the time of processors in hundredths of a second. */
const tickMs = 10

function readProcess(
  pid: number,
): { readonly pid: number; readonly parent: number; readonly cpuMs: number } | undefined {
  const stat = read(`/proc/${pid}/stat`)
  // The name of a program, in parentheses, may hold anything; the fields after it are numbers, the third on.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const field = (number: number) => Number(fields[number - 3] ?? 0)
  return stat === '' ? undefined : { pid, parent: field(4), cpuMs: (field(14) + field(15)) * tickMs }
}

function memoryOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // It ended meanwhile.
    return ''
  }
}
