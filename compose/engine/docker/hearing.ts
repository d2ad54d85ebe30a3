import { readFileSync } from 'node:fs'
import type Docker from 'dockerode'
import { type Api, call } from './api.ts'

/**
 * Whether nobody in a container could hear its stop signal, so that the grace period would pass in vain. The signal
 * goes to the first process of the container, and the kernel drops what a first process has no handler for; `ps` on
 * the engine's machine shows handlers. In doubt, and where others in the container do handle the signal, somebody
 * hears: those run on unwarned, as long as they have.
 */
export async function isDeaf(api: Api, container: Docker.ContainerInspectInfo): Promise<boolean> {
  const signal = signalNumber(stopSignalOf(container))
  if (!container.State.Running || container.State.Paused || signal === undefined || !isOrdinary(container)) return false
  if (isSeenToHear(container.State.Pid, signal)) return false
  // `top` is refused for a container that ends meanwhile, and where `ps` does not know these columns.
  const top = await call(
    'look at processes',
    () => api.container(container.Id).top({ ps_args: columns }),
    [400, 404, 409, 500],
  )
  return top !== undefined && hearNothing(processesOf(top), container.State.Pid, signal)
}

/**
 * Whether this machine shows at a glance that the first process hears: most do, and `ps` is dear for many at once. Where
 * the engine is elsewhere, the process of that number is no first one, or there is none.
 */
function isSeenToHear(pid: number, signal: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const setOf = (name: string) => new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? ''
    return /^NSpid:.*\s1$/m.test(status) && ['SigBlk', 'SigIgn', 'SigCgt'].some((name) => isIn(setOf(name), signal))
  } catch {
    return false
  }
}

const columns = '-eo pid,stat,wchan:40,blocked,ignored,caught'

/** What `ps` shows of a process: three sets of signals in hexadecimal. */
export interface Hearing {
  readonly pid: number
  readonly stat: string
  /** Where in the kernel it waits; `-` when it does not, or when that is hidden. */
  readonly waitsIn: string
  readonly blocked: string
  readonly ignored: string
  readonly caught: string
}

/** Whether neither the first process nor any other one could do anything about the signal. */
export function hearNothing(processes: readonly Hearing[], first: number, signal: number): boolean {
  const main = processes.find(({ pid }) => pid === first)
  if (!main || !isVisible(main)) return false
  return processes.every((one) => !mayHear(one, signal))
}

/** A signal that is ignored on purpose is left alone: whoever does that may mean to finish something. */
function mayHear({ waitsIn, blocked, ignored, caught }: Hearing, signal: number): boolean {
  // Waiting for signals unblocks them: tini and its like show empty sets then.
  if (/sig(timed)?wait|sigsuspend|signalfd/.test(waitsIn)) return true
  return [blocked, ignored, caught].some((set) => isIn(set, signal))
}

/** Only of a process that sleeps or runs in plain sight is it known what it waits for. */
function isVisible({ stat, waitsIn }: Hearing): boolean {
  return waitsIn !== '-' || stat.startsWith('R')
}

/** `0000000000014002`, or its last eight digits after a `<`; a set that cannot be read holds everything. */
function isIn(set: string, signal: number): boolean {
  if (!/^<?[0-9a-f]{8,16}$/i.test(set)) return true
  const low = Number.parseInt(set.slice(-8), 16)
  return Math.floor(low / 2 ** (signal - 1)) % 2 === 1
}

/** The signal that asks a container to end; the library's types do not know it. */
export function stopSignalOf({ Config }: Docker.ContainerInspectInfo): string {
  return (Config as { readonly StopSignal?: string }).StopSignal || 'SIGTERM'
}

/** Signals that the short form of a set has room for; undefined for the others. */
export function signalNumber(name: string): number | undefined {
  const text = name.toUpperCase().replace(/^SIG/, '')
  const number = /^\d+$/.test(text) ? Number(text) : numbers[text]
  return number !== undefined && number >= 1 && number <= 31 ? number : undefined
}

/** Linux's own, whatever this machine calls them. */
const numbers: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  USR1: 10,
  USR2: 12,
  TERM: 15,
  WINCH: 28,
}

/** In a virtual machine, or among the processes of another, the first process is not the one that `ps` shows. */
function isOrdinary({ HostConfig }: Docker.ContainerInspectInfo): boolean {
  const { Runtime = '', PidMode = '' } = HostConfig
  return ['', 'runc', 'crun', 'io.containerd.runc.v2'].includes(Runtime) && ['', 'private'].includes(PidMode)
}

function processesOf({ Titles, Processes }: { Titles: string[]; Processes: string[][] }): readonly Hearing[] {
  const at = (row: readonly string[], title: string) => row[Titles.indexOf(title)] ?? ''
  return Processes.map((row) => ({
    pid: Number(at(row, 'PID')),
    stat: at(row, 'STAT'),
    waitsIn: at(row, 'WCHAN'),
    blocked: at(row, 'BLOCKED'),
    ignored: at(row, 'IGNORED'),
    caught: at(row, 'CAUGHT'),
  }))
}
