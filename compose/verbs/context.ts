import type { Engine } from '../engine/engine.ts'
import type { Emit } from '../events.ts'
import { whileAlone } from '../execute/lock.ts'
import type { Probes } from '../execute/probe.ts'
import type { Environment } from '../file/discover.ts'
import type { OpenedProject } from '../file/project.ts'

/** What every verb has: a project that was found, and the engine it runs on. */
export interface Context {
  readonly project: OpenedProject
  readonly engine: Engine
  /** One line: why this engine. */
  readonly reason: string
  readonly env: Environment
  /** How to find out whether a service of a role really answers. */
  readonly probes: Probes
  /** A busy port is an error instead of the next free one. */
  readonly strictPorts: boolean
}

/** One that changes a project: tells what it does as it does it, and stops when the signal aborts. */
export interface Doing {
  readonly emit: Emit
  readonly signal: AbortSignal
}

/** One command after another. Without files there is no directory that the project could be locked by. */
export function alone({ project }: Context, holder: string, doing: Doing, work: () => Promise<void>): Promise<void> {
  if (project.files.length === 0) return work()
  const onWait = (other: string) => doing.emit({ type: 'warning', message: `waiting for ${other}` })
  return whileAlone(project.directory, { holder, onWait, signal: doing.signal }, work)
}
