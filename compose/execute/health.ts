import { setTimeout as sleep } from 'node:timers/promises'
import type { ContainerDetail, Engine } from '../engine/engine.ts'
import { messageOf, StackError } from '../errors.ts'
import type { Role } from '../file/model.ts'
import { diagnose } from './diagnose.ts'
import { attemptProbe, never, type Probe, type Probes, probeTarget } from './probe.ts'
import type { Life } from './watch.ts'

/** A container that is waited for. */
export interface Awaited {
  readonly engine: Engine
  readonly project: string
  readonly service: string
  readonly name: string
  readonly container: string
  readonly role: Role | undefined
  readonly probes: Probes
  /** Whether it must end well rather than stay. */
  readonly mustComplete: boolean
  /** Whether ending well is as good as being ready: nothing will start it again. */
  readonly mayComplete: boolean
  /** Whether it was started just now: what happened to it before is past. */
  readonly fresh: boolean
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** In what way a container is ready. */
export type Readiness = 'healthy' | 'running' | 'completed'

/** How a wait ends; what it means is told afterwards, so that nothing overtakes it. */
type Verdict =
  | { readonly is: 'ready'; readonly readiness: Readiness }
  | { readonly is: 'ended'; readonly exitCode: number }
  | { readonly is: 'gone' | 'unhealthy' | 'late' }

/**
 * Waits until a container is ready: healthy by the engine's health check or by our probe, whichever comes first;
 * with neither, running, and still running a moment later. It ends at once when the container does.
 *
 * @throws {StackError} SERVICE_EXITED, SERVICE_UNHEALTHY, SERVICE_STILL_STARTING
 */
export async function awaitReady(awaited: Awaited, life: Life): Promise<Readiness> {
  const detail = await awaited.engine.inspect(awaited.container)
  const over = new AbortController()
  const signal = AbortSignal.any([awaited.signal, over.signal])
  const doubt = { reason: '' }
  try {
    const verdict =
      verdictNow(awaited, detail) ??
      (await Promise.race([
        verdictOfLife(awaited, life),
        verdictOfTime(awaited, detail, signal),
        verdictOfProbe(awaited, detail, doubt, signal),
      ]))
    return await readinessBy(verdict, awaited, doubt.reason)
  } finally {
    over.abort()
  }
}

/** What needs no waiting. */
function verdictNow(awaited: Awaited, detail: ContainerDetail | undefined): Verdict | undefined {
  if (!detail) return { is: 'gone' }
  if (detail.state === 'exited' || detail.state === 'dead') return { is: 'ended', exitCode: detail.exitCode }
  if (detail.health === 'healthy' && !awaited.mustComplete) return ready('healthy')
  return !awaited.fresh && isUnasked(awaited, detail) ? ready('running') : undefined
}

function ready(readiness: Readiness): Verdict {
  return { is: 'ready', readiness }
}

/** Whether nobody can tell more of it than that it runs. */
function isUnasked(awaited: Awaited, detail: ContainerDetail | undefined): boolean {
  return detail?.health === 'none' && !probeOf(awaited) && !awaited.mustComplete
}

function probeOf({ role, probes }: Awaited): Probe | undefined {
  return role && probes[role]
}

async function verdictOfLife(awaited: Awaited, life: Life): Promise<Verdict> {
  for (let isPast = awaited.fresh; ; ) {
    const { action, exitCode = 0, health } = await life.next()
    if (action === 'start') isPast = false
    if (action === 'die' && !(isPast && (await isRunning(awaited)))) return { is: 'ended', exitCode }
    if (action === 'destroy') return { is: 'gone' }
    if (action !== 'health' || awaited.mustComplete) continue
    if (health === 'healthy') return ready('healthy')
    // A probe knows better than a health check that gave up too early.
    if (health === 'unhealthy' && !probeOf(awaited)) return { is: 'unhealthy' }
  }
}

/** The end of the run before this one may be told after this one began. */
async function isRunning({ engine, container }: Awaited): Promise<boolean> {
  return (await engine.inspect(container))?.state === 'running'
}

// A mistake in a command shows within moments.
const settleMs = 250

/** Of what cannot be asked, running on for a moment is all that can be had; the others have their time. */
async function verdictOfTime(
  awaited: Awaited,
  detail: ContainerDetail | undefined,
  signal: AbortSignal,
): Promise<Verdict> {
  const settles = isUnasked(awaited, detail)
  await sleep(settles ? settleMs : awaited.timeoutMs, undefined, { signal })
  return settles ? ready('running') : { is: 'late' }
}

/** The pause after the n-th attempt: 50 ms at first, half a second at most. */
export function backoffMs(attempt: number): number {
  return Math.min(500, 50 * 2 ** attempt)
}

async function verdictOfProbe(
  awaited: Awaited,
  detail: ContainerDetail | undefined,
  doubt: { reason: string },
  signal: AbortSignal,
): Promise<Verdict> {
  const { engine, project, service, role, mustComplete } = awaited
  const probe = probeOf(awaited)
  if (!probe || !role || !detail || mustComplete) return never(signal)
  for (let attempt = 0; ; attempt++) {
    const target = await probeTarget(engine, project, service, role, detail)
    try {
      await attemptProbe(probe, target, signal)
      return ready('healthy')
    } catch (thrown) {
      signal.throwIfAborted()
      doubt.reason = messageOf(thrown)
    }
    await sleep(backoffMs(attempt), undefined, { signal })
  }
}

async function readinessBy(verdict: Verdict, awaited: Awaited, doubt: string): Promise<Readiness> {
  switch (verdict.is) {
    case 'ready':
      return verdict.readiness
    case 'ended':
      if (verdict.exitCode === 0 && (awaited.mustComplete || awaited.mayComplete)) return 'completed'
      throw await exited(awaited, verdict.exitCode)
    case 'gone':
      throw new StackError('SERVICE_EXITED', `${awaited.name} was removed while it started`)
    case 'unhealthy':
      throw await unhealthy(awaited)
    case 'late':
      throw await stillStarting(awaited, doubt)
  }
}

/** Lines of its log that are shown when a container fails. */
const shownLogLines = 20

async function exited(awaited: Awaited, exitCode: number): Promise<StackError> {
  const { oomKilled = false, error = '' } = (await awaited.engine.inspect(awaited.container)) ?? {}
  const lines = await lastLines(awaited)
  const { cause, next } = diagnose({ exitCode, oomKilled, error, lines })
  const message = `${awaited.name} exited with code ${exitCode}${cause && `: ${cause}`}`
  return new StackError('SERVICE_EXITED', message, { details: lines, ...(next && { next }) })
}

async function unhealthy(awaited: Awaited): Promise<StackError> {
  const output = (await awaited.engine.inspect(awaited.container))?.healthOutput.trim() ?? ''
  const message = `${awaited.name} is unhealthy${output && `; its health check printed: ${output}`}`
  return new StackError('SERVICE_UNHEALTHY', message, { details: await lastLines(awaited) })
}

async function stillStarting(awaited: Awaited, doubt: string): Promise<StackError> {
  const why = doubt || (await awaited.engine.inspect(awaited.container))?.healthOutput.trim()
  const seconds = Math.round(awaited.timeoutMs / 1000)
  const message = `${awaited.name} is still starting after ${seconds} s${why ? `: ${why}` : ''}`
  return new StackError('SERVICE_STILL_STARTING', message, { details: await lastLines(awaited) })
}

async function lastLines({ engine, container }: Awaited): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const { text } of engine.logs(container, { tail: shownLogLines })) lines.push(text)
  return lines.slice(-shownLogLines)
}
