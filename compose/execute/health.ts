import { setTimeout as sleep } from 'node:timers/promises'
import type { ContainerDetail, Engine } from '../engine/engine.ts'
import { messageOf, StackError, type StackErrorCode } from '../errors.ts'
import type { Role } from '../file/model.ts'
import { diagnose } from './diagnose.ts'
import { attemptProbe, CannotAsk, never, type Probe, type Probes, probeTarget } from './probe.ts'
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
  /** Services that do not begin before it is ready. */
  readonly awaitedBy: readonly string[]
  /** Told what keeps it, whenever that changes. */
  readonly onDoubt: (doubt: string) => void
}

/** In what way a container is ready. */
export type Readiness = 'healthy' | 'running' | 'completed'

/** How a wait ends; what it means is told afterwards, so that nothing overtakes it. */
type Verdict =
  | { readonly is: 'ready'; readonly readiness: Readiness }
  | { readonly is: 'ended'; readonly exitCode: number }
  | { readonly is: 'gone' | 'unhealthy' | 'late' }

/** So often a container may end while the engine starts it again. */
const mostEndings = 3

/**
 * Waits until a container is ready: healthy by the engine's health check or by our probe, whichever comes first;
 * with neither, running, and still running a moment later. It ends at once when the container does; if the engine
 * starts it again, with its third ending.
 *
 * @throws {StackError} SERVICE_EXITED, SERVICE_UNHEALTHY, SERVICE_STILL_STARTING
 */
export async function awaitReady(awaited: Awaited, life: Life): Promise<Readiness> {
  const wait: Wait = { deadline: Date.now() + awaited.timeoutMs, endings: 0, oomKilled: false, doubt: '', canAsk: true }
  for (;;) {
    const verdict = await verdictOf(awaited, life, wait)
    if (verdict.is !== 'ended') return readinessBy(verdict, awaited, wait)
    const detail = await awaited.engine.inspect(awaited.container)
    wait.endings++
    wait.oomKilled ||= detail?.oomKilled ?? false
    const isRestarted = detail?.state === 'restarting' || detail?.state === 'running'
    if (!isRestarted || wait.endings === mostEndings) return readinessBy(verdict, awaited, wait)
    awaited.onDoubt(`exited with code ${verdict.exitCode}, the engine starts it again`)
  }
}

/** What was learned while waiting. */
interface Wait {
  /** Epoch milliseconds. */
  readonly deadline: number
  endings: number
  /** By any of its endings. */
  oomKilled: boolean
  /** Why the probe does not call it ready. */
  doubt: string
  /** Whether the probe can tell anything. */
  canAsk: boolean
}

async function verdictOf(awaited: Awaited, life: Life, wait: Wait): Promise<Verdict> {
  const detail = await awaited.engine.inspect(awaited.container)
  const over = new AbortController()
  const signal = AbortSignal.any([awaited.signal, over.signal])
  try {
    return (
      verdictNow(awaited, detail) ??
      (await Promise.race([
        verdictOfLife(awaited, life, wait),
        verdictOfTime(awaited, detail, wait, signal),
        verdictOfProbe(awaited, detail, wait, signal),
      ]))
    )
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

async function verdictOfLife(awaited: Awaited, life: Life, wait: Wait): Promise<Verdict> {
  for (let isPast = awaited.fresh && wait.endings === 0; ; ) {
    const { action, exitCode = 0, health } = await life.next()
    if (action === 'start') isPast = false
    if (action === 'die' && !(isPast && (await isRunning(awaited)))) return { is: 'ended', exitCode }
    if (action === 'destroy') return { is: 'gone' }
    if (action !== 'health' || awaited.mustComplete) continue
    if (health === 'healthy') return ready('healthy')
    // A probe knows better than a health check that gave up too early.
    if (health === 'unhealthy' && !(probeOf(awaited) && wait.canAsk)) return { is: 'unhealthy' }
  }
}

/** The end of the run before this one may be told after this one began. */
async function isRunning({ engine, container }: Awaited): Promise<boolean> {
  return (await engine.inspect(container))?.state === 'running'
}

// A mistake in a command shows within moments.
const settleMs = 250
// What no event tells: what a health check printed, and whatever an engine failed to tell.
const lookEveryMs = 2000

/** Of what cannot be asked, running on for a moment is all that can be had; the others have their time. */
async function verdictOfTime(
  awaited: Awaited,
  begun: ContainerDetail | undefined,
  wait: Wait,
  signal: AbortSignal,
): Promise<Verdict> {
  const settles = isUnasked(awaited, begun)
  for (let told = ''; ; ) {
    const leftMs = Math.max(0, wait.deadline - Date.now())
    await sleep(settles ? settleMs : Math.min(lookEveryMs, leftMs), undefined, { signal })
    const detail = await awaited.engine.inspect(awaited.container)
    signal.throwIfAborted()
    const verdict = verdictNow(awaited, detail)
    if (verdict) return verdict
    if (settles && detail?.state === 'running') return ready('running')
    if (Date.now() >= wait.deadline) return { is: 'late' }
    const doubt = doubtAbout(detail, wait)
    if (doubt !== told && doubt !== '') awaited.onDoubt(doubt)
    told = doubt
  }
}

/** A few words on what keeps it. */
function doubtAbout(detail: ContainerDetail | undefined, { doubt }: Wait): string {
  const { count = 0, limit = 0 } = detail?.healthFailures ?? {}
  if (count === 0) return doubt
  const printed = lastLine(detail?.healthOutput ?? '')
  return `its health check failed ${count} of ${limit} times${printed && `: ${printed}`}`
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.slice(0, 200).trim() ?? ''
}

/** The pause after the n-th attempt: 50 ms at first, half a second at most. */
export function backoffMs(attempt: number): number {
  return Math.min(500, 50 * 2 ** attempt)
}

async function verdictOfProbe(
  awaited: Awaited,
  detail: ContainerDetail | undefined,
  wait: Wait,
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
      wait.doubt = messageOf(thrown)
      wait.canAsk = !(thrown instanceof CannotAsk)
    }
    if (!wait.canAsk && detail.health !== 'none') return never(signal)
    await sleep(wait.canAsk ? backoffMs(attempt) : settleMs, undefined, { signal })
    // It has nothing else to show than that it runs on for a moment.
    if (!wait.canAsk && (await isRunning(awaited))) return ready('running')
  }
}

async function readinessBy(verdict: Verdict, awaited: Awaited, wait: Wait): Promise<Readiness> {
  switch (verdict.is) {
    case 'ready':
      return verdict.readiness
    case 'ended':
      if (verdict.exitCode === 0 && (awaited.mustComplete || awaited.mayComplete)) return 'completed'
      throw await exited(awaited, verdict.exitCode, wait)
    case 'gone':
      throw failure('SERVICE_EXITED', 'was removed while it started', awaited, {})
    case 'unhealthy':
      throw await unhealthy(awaited)
    case 'late':
      throw await stillStarting(awaited, wait)
  }
}

/** Lines of its log that are shown when a container fails, and that are searched for the cause. */
const shownLines = 20
const searchedLines = 200

async function exited(awaited: Awaited, exitCode: number, { endings, oomKilled }: Wait): Promise<StackError> {
  const { error = '', memoryLimit } = (await awaited.engine.inspect(awaited.container)) ?? {}
  const lines = await lastLines(awaited)
  const { cause, next, evidence } = diagnose({ exitCode, oomKilled, memoryLimit, error, lines })
  const often = endings > 1 ? `, ${endings} times; the engine starts it again and again` : ''
  const what = `exited with code ${exitCode}${often}${cause && `: ${cause}`}`
  return failure('SERVICE_EXITED', what, awaited, { lines, evidence, next })
}

async function unhealthy(awaited: Awaited): Promise<StackError> {
  const { healthOutput = '', healthFailures } = (await awaited.engine.inspect(awaited.container)) ?? {}
  const often = healthFailures?.count ? ` after ${healthFailures.count} failures in a row` : ''
  const printed = healthOutput.trim() && `; its health check printed: ${healthOutput.trim()}`
  const lines = await lastLines(awaited)
  return failure('SERVICE_UNHEALTHY', `is unhealthy${often}${printed}`, awaited, { lines, next: nextFor(lines) })
}

async function stillStarting(awaited: Awaited, wait: Wait): Promise<StackError> {
  const detail = await awaited.engine.inspect(awaited.container)
  const why = wait.doubt || doubtAbout(detail, wait) || lastLine(detail?.healthOutput ?? '')
  const seconds = Math.round(awaited.timeoutMs / 1000)
  const lines = await lastLines(awaited)
  const what = `is still starting after ${seconds} s${why && `: ${why}`}`
  return failure('SERVICE_STILL_STARTING', what, awaited, { lines, next: nextFor([why, ...lines]) })
}

/** What its last lines say that one can do, of a container that did not end. */
function nextFor(lines: readonly string[]): string | undefined {
  return diagnose({ exitCode: 0, oomKilled: false, memoryLimit: undefined, error: '', lines }).next
}

interface Shown {
  readonly lines?: readonly string[]
  readonly evidence?: readonly string[]
  readonly next?: string | undefined
}

function failure(
  code: StackErrorCode,
  what: string,
  { name, awaitedBy }: Awaited,
  { lines = [], evidence = [], next }: Shown,
): StackError {
  const last = lines.slice(-shownLines)
  const first = evidence.filter((line) => !last.includes(line))
  const details = first.length > 0 ? [...first, '…', ...last] : last
  const others = awaitedBy.length === 0 ? '' : `; ${awaitedBy.join(', ')} waited for it`
  return new StackError(code, `${name} ${what}${others}`, { details, ...(next && { next }) })
}

async function lastLines({ engine, container }: Awaited): Promise<readonly string[]> {
  const lines: string[] = []
  try {
    for await (const { text } of engine.logs(container, { tail: searchedLines })) lines.push(text)
  } catch (thrown) {
    // A failure is told whether or not anybody kept its last words.
    lines.push(`(its log cannot be shown: ${messageOf(thrown)})`)
  }
  return lines
}
