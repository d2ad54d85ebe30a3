import type { Step } from '../events.ts'
import { hasEnded } from '../plan/dismantle.ts'
import type { ObservedContainer } from '../plan/observe.ts'
import { alone, type Context, type Doing } from './context.ts'
import { selectContainers } from './selection.ts'

/** Which services; all when empty. */
export interface EachOptions {
  readonly services?: readonly string[] | undefined
}

/** What `kill` takes. */
export interface KillOptions extends EachOptions {
  /** A name or a number. @default 'SIGKILL' */
  readonly signal?: string | undefined
}

/** What `rm` takes. */
export interface RmOptions extends EachOptions {
  /** Stops those that run first. @default false */
  readonly stop?: boolean | undefined
  /** Removes volumes that nobody named with their containers. @default false */
  readonly volumes?: boolean | undefined
}

/** Sends a signal to every container that runs. */
export function kill(context: Context, { signal = 'SIGKILL', services }: KillOptions, doing: Doing): Promise<void> {
  const { engine } = context
  return toEach(context, 'kill', services, doing, {
    meant: ({ state }) => !hasEnded(state),
    step: 'signalled',
    detail: signal,
    act: ({ id }) => engine.kill(id, signal),
  })
}

/** Lets nothing in the containers run until they are unpaused. */
export function pause(context: Context, { services }: EachOptions, doing: Doing): Promise<void> {
  const { engine } = context
  return toEach(context, 'pause', services, doing, {
    meant: ({ state }) => state === 'running',
    step: 'paused',
    act: ({ id }) => engine.pause(id),
  })
}

/** Lets paused containers run on. */
export function unpause(context: Context, { services }: EachOptions, doing: Doing): Promise<void> {
  const { engine } = context
  return toEach(context, 'unpause', services, doing, {
    meant: ({ state }) => state === 'paused',
    step: 'unpaused',
    act: ({ id }) => engine.unpause(id),
  })
}

/** Removes containers that stand; networks and named volumes stay. */
export function rm(context: Context, { services, stop, volumes }: RmOptions, doing: Doing): Promise<void> {
  const { engine } = context
  return toEach(context, 'rm', services, doing, {
    meant: ({ state }) => stop === true || hasEnded(state),
    step: 'removed',
    act: async ({ id }) => {
      await engine.stop(id)
      await engine.remove(id, { volumes: volumes ?? false })
    },
  })
}

interface Act {
  readonly meant: (container: ObservedContainer) => boolean
  readonly act: (container: ObservedContainer) => Promise<void>
  /** Told when it is done. */
  readonly step: Step
  readonly detail?: string
}

/** Does one thing to every container that is meant, at once; the first failure is thrown when all are through. */
function toEach(
  context: Context,
  verb: string,
  services: readonly string[] = [],
  doing: Doing,
  { meant, act, step, detail = '' }: Act,
): Promise<void> {
  const { engine, reason, project } = context
  return alone(context, verb, doing, async () => {
    const startedAt = Date.now()
    doing.emit({ type: 'engine', kind: engine.kind, endpoint: engine.endpoint, reason })
    const all = await selectContainers(engine, project.name, services)
    const containers = all.filter(meant)
    const operations = containers.map(({ name }) => `${verb} ${name}`)
    doing.emit({ type: 'plan', operations, found: all.length })
    const results = await Promise.allSettled(
      containers.map(async (container) => {
        const { service, name } = container
        await act(container)
        doing.emit({ type: 'step', service, container: name, step, detail, elapsedMs: Date.now() - startedAt })
      }),
    )
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
    doing.emit({ type: 'done', changed: operations.length > 0, elapsedMs: Date.now() - startedAt })
  })
}
