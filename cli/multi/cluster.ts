import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, processStart } from '../../src/index.ts'
import { readPidfile } from '../daemon/pidfile.ts'
import { CliError } from '../errors.ts'
import type { Node } from './node.ts'

/** What happens to the nodes, step by step. */
export type ClusterEvent =
  | { readonly type: 'starting-nodes' }
  | { readonly type: 'starting' | 'restarting'; readonly node: string }
  | { readonly type: 'spawned'; readonly node: string; readonly argv: readonly string[] }
  | {
      readonly type: 'started'
      readonly node: string
      readonly exitCode: number | null
      readonly signal: NodeJS.Signals | null
    }
  | { readonly type: 'stopping-nodes' }
  | { readonly type: 'signalled'; readonly node: string; readonly pid: number; readonly signal: string }
  | { readonly type: 'not-there'; readonly node: string; readonly pid: number }
  | { readonly type: 'waiting'; readonly pids: readonly number[] }
  | { readonly type: 'still-waiting' }
  | { readonly type: 'stopped'; readonly node: string }
  | { readonly type: 'waited' }
  | { readonly type: 'down'; readonly node: string }
  | { readonly type: 'killed'; readonly node: string; readonly pid: number; readonly signal: string }

type Events = AsyncGenerator<ClusterEvent, void>

/** Starts the nodes, one after the other. */
export async function* start(nodes: readonly Node[]): Events {
  yield { type: 'starting-nodes' }
  for (const node of nodes) {
    yield { type: 'starting', node: node.name }
    yield* spawned(node)
  }
}

async function* restart(node: Node): Events {
  yield { type: 'restarting', node: node.name }
  yield* spawned(node)
}

/** Its words about what went wrong go to our standard error. */
async function* spawned({ name: node, argv, pidfile, logfile }: Node): Events {
  for (const path of [pidfile, logfile]) makeDirectory(dirname(path))
  yield { type: 'spawned', node, argv }
  const [program = '', ...words] = argv
  const launcher = spawn(program, words, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [exitCode, signal] = await once(launcher, 'exit').catch((cause) => {
    throw new CliError('START_FAILED', `${program} cannot be run: ${messageOf(cause)}`, { cause })
  })
  yield { type: 'started', node, exitCode, signal }
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (cause) {
    throw new CliError('UNWRITABLE', messageOf(cause), { cause })
  }
}

/** Asks the nodes to end. */
export const stop = (nodes: readonly Node[], signal: NodeJS.Signals): Events => stopNodes(nodes, signal, saysDown)

/** Asks the nodes to end, and waits until they have. */
export const stopwait = (nodes: readonly Node[], signal: NodeJS.Signals): Events =>
  stopNodes(nodes, signal, saysDown, { waits: true })

/** Ends the nodes and starts each when it has ended; those that did not run are started. */
export const restartNodes = (nodes: readonly Node[], signal: NodeJS.Signals): Events =>
  stopNodes(nodes, signal, restart, { waits: true })

async function* saysDown(node: Node): Events {
  yield { type: 'down', node: node.name }
}

/** A node whose pid file names a process; without a start, that process is gone. */
interface Running {
  readonly node: Node
  readonly pid: number
  readonly start: string | undefined
}

async function* stopNodes(
  nodes: readonly Node[],
  signal: NodeJS.Signals,
  onDown: (node: Node) => Events,
  { waits = false } = {},
): Events {
  const running: Running[] = []
  for (const node of nodes) {
    const holder = readPidfile(node.pidfile)
    if (holder?.pid) running.push({ node, ...holder })
    else yield* onDown(node)
  }
  if (running.length === 0) return
  yield { type: 'stopping-nodes' }
  const ending: Running[] = []
  for (const one of running) {
    yield { type: 'signalled', node: one.node.name, pid: one.pid, signal: shortName(signal) }
    if (send(one, signal)) ending.push(one)
    else {
      yield notThere(one)
      yield* onDown(one.node)
    }
  }
  if (waits) yield* ended(ending, onDown)
}

/** Looks often, and says so every two seconds. */
async function* ended(ending: Running[], onDown: (node: Node) => Events): Events {
  yield waitingFor(ending)
  let left = ending
  for (let look = 0; left.length > 0; look += 1) {
    if (look % looksPerDot === 0) yield { type: 'still-waiting' }
    for (const one of left.filter((each) => !isAlive(each))) {
      yield { type: 'stopped', node: one.node.name }
      left = left.filter((each) => each !== one)
      yield* onDown(one.node)
      yield waitingFor(left)
    }
    if (left.length > 0) await sleep(lookMs)
  }
  yield { type: 'waited' }
}

const lookMs = 100
const looksPerDot = 20

const waitingFor = (running: readonly Running[]): ClusterEvent => ({
  type: 'waiting',
  pids: running.map(({ pid }) => pid),
})

/** Ends the nodes at once; what they had in hand is not finished. */
export async function* kill(nodes: readonly Node[]): Events {
  for (const node of nodes) {
    const holder = readPidfile(node.pidfile)
    if (!holder?.pid) {
      yield { type: 'down', node: node.name }
      continue
    }
    const one = { node, ...holder }
    yield { type: 'killed', node: node.name, pid: one.pid, signal: 'KILL' }
    if (!send(one, 'SIGKILL')) yield notThere(one)
  }
}

/** False when it is not there any more; then its pid file goes too. */
function send(one: Running, signal: NodeJS.Signals): boolean {
  try {
    if (isAlive(one)) return process.kill(one.pid, signal)
  } catch (cause) {
    if (isAlive(one)) throw new CliError('NOT_PERMITTED', messageOf(cause), { cause, next: 'Stop it as its own user.' })
  }
  rmSync(one.node.pidfile, { force: true })
  return false
}

const isAlive = ({ pid, start }: Running) => start !== undefined && processStart(pid) === start

const notThere = ({ node, pid }: Running): ClusterEvent => ({ type: 'not-there', node: node.name, pid })

const shortName = (signal: NodeJS.Signals) => signal.slice('SIG'.length)
