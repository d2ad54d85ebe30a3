import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { promisify } from 'node:util'

/** The process that listens on a port of this machine, as far as it can be seen: `redis-server, pid 812`. */
export async function holdingProcess(port: number, protocol = 'tcp'): Promise<string | undefined> {
  try {
    return process.platform === 'linux' ? fromProc(port, protocol) : await fromLsof(port, protocol)
  } catch {
    return undefined
  }
}

/** TCP_LISTEN in /proc/net/tcp; a datagram socket that is bound has the number of TCP_CLOSE. */
const listening: Readonly<Record<string, string>> = { tcp: '0A', udp: '07' }

function fromProc(port: number, protocol: string): string | undefined {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const inodes = [`/proc/net/${protocol}`, `/proc/net/${protocol}6`].flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[1]?.endsWith(`:${hex}`) && fields[3] === listening[protocol])
      .map((fields) => fields[9]),
  )
  const sockets = new Set(inodes.map((inode) => `socket:[${inode}]`))
  const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && hasOpen(name, sockets))
  if (pid === undefined) return undefined
  const program = programOf(pid)
  // The containers of our own engine are known by name.
  const container = program === 'docker-proxy' ? 'a container of another Docker engine: ' : ''
  return `${container}${program}, pid ${pid}`
}

/** By its command line: Node's main thread calls itself `MainThread`, and redis-server's file has another name. */
function programOf(pid: string): string {
  const [command = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split(/[\0 ]/)
  return basename(command) || readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
}

/** Processes of other users hide what they have open. */
function hasOpen(pid: string, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => sockets.has(linkOf(`/proc/${pid}/fd/${fd}`)))
  } catch {
    return false
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

async function fromLsof(port: number, protocol: string): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)(
    'lsof',
    ['-nP', `-i${protocol}:${port}`, ...(protocol === 'tcp' ? ['-sTCP:LISTEN'] : []), '-Fpc'],
    {
      timeout: 2000,
    },
  )
  const pid = /^p(\d+)/m.exec(stdout)?.[1]
  const command = /^c(.+)/m.exec(stdout)?.[1]
  return pid && `${command ?? 'a process'}, pid ${pid}`
}
