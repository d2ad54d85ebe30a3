import { readFileSync } from 'node:fs'
import { cpus, freemem, release, totalmem } from 'node:os'
import type { MachineFacts } from './facts.ts'

/** The machine that this process is on. */
export function machineFacts(): MachineFacts {
  return {
    node: process.versions.node,
    system: `${process.platform} ${process.arch} ${release()}`,
    isWsl: /microsoft/i.test(release()) || /microsoft/i.test(kernel()),
    cpus: cpus().length,
    memoryBytes: totalmem(),
    freeMemoryBytes: availableBytes() ?? freemem(),
  }
}

function kernel(): string {
  return read('/proc/version') ?? ''
}

/** What programs can get: on Linux most of the memory is never free, but can be had. */
function availableBytes(): number | undefined {
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(read('/proc/meminfo') ?? '')?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
