import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Ends the processes that an engine left behind when it was killed: those that carry its mark. Children of ours end
 * by themselves when the engine is gone; this is for those that do not get to it. Where the system does not show the
 * environment of processes, nothing is done.
 */
export async function endOrphans(variable: string, engineId: string): Promise<void> {
  const mark = `${variable}=${engineId}`
  if (!signalMarked(mark, 'SIGTERM')) return
  for (let waitedMs = 0; waitedMs < graceMs; waitedMs += stepMs) {
    await sleep(stepMs)
    if (marked(mark).length === 0) return
  }
  signalMarked(mark, 'SIGKILL')
}

const graceMs = 1000
const stepMs = 50

/** False when there was nobody to signal. */
function signalMarked(mark: string, signal: 'SIGTERM' | 'SIGKILL'): boolean {
  const pids = marked(mark)
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // It ended meanwhile.
    }
  }
  return pids.length > 0
}

function marked(mark: string): readonly number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && environmentOf(name).includes(mark))
    .map(Number)
}

function environmentOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}
