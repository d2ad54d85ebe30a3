import type { StatsSample } from '../engine.ts'

/** What is read of a message of `GET /containers/{id}/stats`. */
export interface StatsMessage {
  readonly read: string
  readonly preread?: string
  /** On Windows: its processors. */
  readonly num_procs?: number
  readonly cpu_stats: CpuStats
  readonly precpu_stats: CpuStats
  readonly memory_stats: {
    readonly usage?: number
    readonly limit?: number
    /** On Windows. */
    readonly privateworkingset?: number
    readonly stats?: { readonly total_inactive_file?: number; readonly inactive_file?: number }
  }
  readonly networks?: Readonly<Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>>
  readonly blkio_stats?: {
    readonly io_service_bytes_recursive?: readonly { readonly op: string; readonly value: number }[] | null
  }
  readonly pids_stats?: { readonly current?: number }
}

interface CpuStats {
  readonly cpu_usage: { readonly total_usage: number; readonly percpu_usage?: readonly number[] | null }
  readonly system_cpu_usage?: number
  readonly online_cpus?: number
}

/** A message in our words; undefined for a container that does not run. */
export function statsSample(message: StatsMessage): StatsSample | undefined {
  if (message.read.startsWith('0001-01-01')) return undefined
  const { memory_stats: memory, networks = {}, blkio_stats, pids_stats } = message
  // A file that is only cached can be let go of at any time; cgroup v1 and v2 name it differently.
  const cached = memory.stats?.total_inactive_file ?? memory.stats?.inactive_file ?? 0
  const interfaces = Object.values(networks)
  const operations = blkio_stats?.io_service_bytes_recursive ?? []
  const bytesOf = (op: string) => sum(operations.filter((one) => one.op.toLowerCase() === op).map(({ value }) => value))
  return {
    cpuPercent: cpuPercent(message),
    memoryBytes: memory.privateworkingset ?? Math.max(0, (memory.usage ?? 0) - cached),
    memoryLimitBytes: memory.limit || undefined,
    network:
      interfaces.length === 0
        ? undefined
        : {
            receivedBytes: sum(interfaces.map(({ rx_bytes }) => rx_bytes)),
            sentBytes: sum(interfaces.map(({ tx_bytes }) => tx_bytes)),
          },
    disk: { readBytes: bytesOf('read'), writtenBytes: bytesOf('write') },
    processes: pids_stats?.current,
  }
}

/** Of one processor: two that are busy are 200. The first message has nothing to compare with. */
function cpuPercent(message: StatsMessage): number | undefined {
  const { cpu_stats: now, precpu_stats: before, num_procs: processors = 0 } = message
  const used = now.cpu_usage.total_usage - before.cpu_usage.total_usage
  if (processors > 0) return windowsPercent(message, used, processors)
  if (!before.system_cpu_usage || !now.system_cpu_usage) return undefined
  const passed = now.system_cpu_usage - before.system_cpu_usage
  if (passed <= 0 || used < 0) return 0
  const online = now.online_cpus || now.cpu_usage.percpu_usage?.length || 1
  return (used / passed) * online * 100
}

/** Windows counts in hundreds of nanoseconds, and has no time of the system to compare with. */
function windowsPercent({ read, preread = '' }: StatsMessage, used: number, processors: number): number | undefined {
  const passedMs = Date.parse(read) - Date.parse(preread)
  if (Number.isNaN(passedMs) || preread.startsWith('0001-01-01')) return undefined
  return passedMs <= 0 || used < 0 ? 0 : (used / (passedMs * 10_000 * processors)) * 100
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
