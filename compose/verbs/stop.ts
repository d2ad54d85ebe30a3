import { execute } from '../execute/execute.ts'
import { stopPlan } from '../plan/lifecycle.ts'
import { planLines } from '../plan/plan.ts'
import { alone, type Context, type Doing } from './context.ts'
import { selectContainers } from './selection.ts'

/** What `stop`, `start` and `restart` take. */
export interface LifecycleOptions {
  /** All when empty. */
  readonly services?: readonly string[] | undefined
  /** How long a container may take to stop. @default its own grace period */
  readonly timeoutSeconds?: number | undefined
  /** How long one service may take to become ready. @default 120 */
  readonly readyTimeoutSeconds?: number | undefined
}

/** Stops containers and leaves them there, those that depend on others first. */
export function stop(context: Context, options: LifecycleOptions, doing: Doing): Promise<void> {
  return alone(context, 'stop', doing, async () => {
    const startedAt = Date.now()
    const { engine, reason, project } = context
    const { emit, signal } = doing
    emit({ type: 'engine', kind: engine.kind, endpoint: engine.endpoint, reason })
    const containers = await selectContainers(engine, project.name, options.services ?? [])
    const plan = stopPlan(containers)
    const operations = planLines(plan)
    emit({ type: 'plan', operations, found: containers.length })
    const ending = { volumes: false }
    await execute(plan, {
      engine,
      project: project.name,
      emit,
      signal,
      ending,
      stopTimeoutSeconds: options.timeoutSeconds,
    })
    emit({ type: 'done', changed: operations.length > 0, elapsedMs: Date.now() - startedAt })
  })
}
