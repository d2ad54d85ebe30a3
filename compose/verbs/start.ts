import { execute } from '../execute/execute.ts'
import { Watch } from '../execute/watch.ts'
import type { Model } from '../file/model.ts'
import { chooseFamily } from '../plan/family.ts'
import { restartPlan, startPlan, withRestarted } from '../plan/lifecycle.ts'
import type { ObservedContainer } from '../plan/observe.ts'
import { type Plan, planLines } from '../plan/plan.ts'
import { rememberedModel } from '../plan/remembered.ts'
import { alone, type Context, type Doing } from './context.ts'
import { refuseUnknown, selectContainers } from './selection.ts'
import type { LifecycleOptions } from './stop.ts'

/** Starts containers that stand, as they are, each after those it depends on; ends when they are ready. */
export function start(context: Context, options: LifecycleOptions, doing: Doing): Promise<void> {
  return alone(context, 'start', doing, () => setGoing(context, options, doing, startPlan))
}

/**
 * Stops and starts containers as they are, and those that want it with them (`depends_on.restart`); ends when they are
 * ready. What the file says by now does not count: that is for `up`.
 */
export function restart(context: Context, options: LifecycleOptions, doing: Doing): Promise<void> {
  return alone(context, 'restart', doing, () => setGoing(context, options, doing, restartPlan, withRestarted))
}

async function setGoing(
  context: Context,
  { services = [], timeoutSeconds, readyTimeoutSeconds = 120 }: LifecycleOptions,
  { emit, signal }: Doing,
  planOf: (model: Model, containers: readonly ObservedContainer[]) => Plan,
  widen = (names: readonly string[], _: Model) => names,
): Promise<void> {
  const startedAt = Date.now()
  const { engine, reason, project, probes, env } = context
  emit({ type: 'engine', kind: engine.kind, endpoint: engine.endpoint, reason })
  // Events first: what happens between the look and the act is not missed.
  const watch = await Watch.open(engine, project.name, signal)
  try {
    const all = await selectContainers(engine, project.name, [])
    refuseUnknown(services, all)
    const model = rememberedModel(project, all)
    const wanted = widen(services, model)
    const containers = all.filter(({ service }) => wanted.length === 0 || wanted.includes(service))
    const plan = planOf(model, containers)
    const operations = planLines(plan)
    emit({ type: 'plan', operations, found: containers.length })
    const readyTimeoutMs = readyTimeoutSeconds * 1000
    const making = { model, watch, ports: undefined, probes, family: await chooseFamily(all, env), readyTimeoutMs }
    const site = { engine, project: project.name, emit, signal, making, stopTimeoutSeconds: timeoutSeconds }
    await execute(plan, site)
    emit({ type: 'done', changed: operations.length > 0, elapsedMs: Date.now() - startedAt })
  } finally {
    watch.stop()
  }
}
