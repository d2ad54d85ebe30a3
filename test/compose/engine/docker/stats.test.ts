import { describe, expect, it } from 'vitest'
import { type StatsMessage, statsSample } from '../../../../compose/engine/docker/stats.ts'

const message: StatsMessage = {
  read: '2026-11-20T10:00:01Z',
  cpu_stats: { cpu_usage: { total_usage: 3_000 }, system_cpu_usage: 20_000, online_cpus: 2 },
  precpu_stats: { cpu_usage: { total_usage: 1_000 }, system_cpu_usage: 10_000 },
  memory_stats: { usage: 1_000, limit: 10_000, stats: { inactive_file: 300 } },
  networks: { eth0: { rx_bytes: 1, tx_bytes: 2 }, eth1: { rx_bytes: 10, tx_bytes: 20 } },
  blkio_stats: {
    io_service_bytes_recursive: [
      { op: 'Read', value: 5 },
      { op: 'read', value: 6 },
      { op: 'Write', value: 7 },
      { op: 'Total', value: 18 },
    ],
  },
  pids_stats: { current: 4 },
}

describe('what a container uses', () => {
  it('is read from the message of the engine', () => {
    expect(statsSample(message)).toEqual({
      cpuPercent: 40,
      memoryBytes: 700,
      memoryLimitBytes: 10_000,
      network: { receivedBytes: 11, sentBytes: 22 },
      disk: { readBytes: 11, writtenBytes: 7 },
      processes: 4,
    })
  })

  it('has no use of processors at first, as there is nothing to compare with', () => {
    expect(statsSample({ ...message, precpu_stats: { cpu_usage: { total_usage: 0 } } })?.cpuPercent).toBeUndefined()
  })

  it('is nothing of processors when no time has passed, or a counter went back', () => {
    expect(statsSample({ ...message, precpu_stats: message.cpu_stats })?.cpuPercent).toBe(0)
    const later = { cpu_usage: { total_usage: 9_000 }, system_cpu_usage: 10_000 }
    expect(statsSample({ ...message, precpu_stats: later })?.cpuPercent).toBe(0)
  })

  it('leaves out files that cgroup v1 has cached', () => {
    const memory_stats = { usage: 1_000, stats: { total_inactive_file: 400, inactive_file: 1 } }
    expect(statsSample({ ...message, memory_stats })).toMatchObject({ memoryBytes: 600, memoryLimitBytes: undefined })
  })

  it('is undefined for one that does not run', () => {
    expect(statsSample({ ...message, read: '0001-01-01T00:00:00Z' })).toBeUndefined()
  })

  it('is counted otherwise on Windows', () => {
    const windows = {
      ...message,
      preread: '2026-11-20T10:00:00Z',
      num_procs: 2,
      cpu_stats: { cpu_usage: { total_usage: 10_000_000 } },
      precpu_stats: { cpu_usage: { total_usage: 0 } },
      memory_stats: { privateworkingset: 5 },
    }
    expect(statsSample(windows)).toMatchObject({ cpuPercent: 50, memoryBytes: 5 })
  })
})
