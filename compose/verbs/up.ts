import { StackError } from '../errors.ts'
import { execute } from '../execute/execute.ts'
import { PortClaims } from '../execute/port-claims.ts'
import { Watch } from '../execute/watch.ts'
import type { Model } from '../file/model.ts'
import { chooseFamily } from '../plan/family.ts'
import { withDependencies } from '../plan/graph.ts'
import { observe } from '../plan/observe.ts'
import { planLines } from '../plan/plan.ts'
import { refuseElsewhere, refuseMissingExternals } from '../plan/preconditions.ts'
import { pullOperations, type ReconcileOptions, reconcile } from '../plan/reconcile.ts'
import { alone, type Context, type Doing } from './context.ts'

/** What `up` takes. */
export interface UpOptions extends ReconcileOptions {
  /** Only these and what they depend on. */
  readonly services?: readonly string[] | undefined
  /** `--scale`: how many containers instead of what the file says. */
  readonly scale?: Readonly<Record<string, number>> | undefined
  /** Only says what would be done. @default false */
  readonly dryRun?: boolean | undefined
  /** How long one service may take to become ready. @default 120 */
  readonly timeoutSeconds?: number | undefined
  /** Takes over a project of the same name from another directory. @default false */
  readonly anyDirectory?: boolean | undefined
}

/** Makes things as the file asks. A dry run changes nothing, so it waits for nobody. */
export function up(context: Context, options: UpOptions, doing: Doing): Promise<void> {
  const work = () => bringUp(context, options, doing)
  return options.dryRun ? work() : alone(context, 'up', doing, work)
}

/** Plan, then act. */
async function bringUp(context: Context, options: UpOptions, doing: Doing): Promise<void> {
  const startedAt = Date.now()
  const { project, engine, reason, env, strictPorts, probes } = context
  const { emit, signal } = doing
  emit({ type: 'engine', kind: engine.kind, endpoint: engine.endpoint, reason })
  const { model, notes } = engine.prepare(selected(project.model(), options))
  for (const message of [...model.warnings, ...notes]) emit({ type: 'warning', message })
  // Events first: what happens between the look and the act is not missed.
  const watch = await Watch.open(engine, model.name, signal)
  try {
    await pullAlways(context, model, doing)
    const observed = await observe(engine, model)
    if (!options.anyDirectory) refuseElsewhere(project, observed.containers)
    refuseMissingExternals(model, observed)
    const plan = reconcile(model, observed, options)
    const operations = planLines(plan)
    for (const message of plan.warnings) emit({ type: 'warning', message })
    emit({ type: 'plan', operations, found: observed.containers.length })
    if (!options.dryRun) {
      const ports = new PortClaims(engine, model, { strict: strictPorts, emit })
      await ports.claim(plan)
      const family = await chooseFamily(observed.containers, env)
      const readyTimeoutMs = (options.timeoutSeconds ?? 120) * 1000
      const making = { model, watch, ports, probes, family, readyTimeoutMs }
      await execute(plan, { engine, project: model.name, emit, signal, making })
    }
    if (options.dryRun) await engine.release(model.name)
    emit({ type: 'done', changed: !options.dryRun && operations.length > 0, elapsedMs: Date.now() - startedAt })
  } finally {
    watch.stop()
  }
}

/** The model with only the services asked for and what they need, as often as asked for. */
function selected(model: Model, { services, scale = {} }: UpOptions): Model {
  for (const name of [...(services ?? []), ...Object.keys(scale)]) {
    if (Object.hasOwn(model.services, name)) continue
    throw new StackError('SERVICE_UNKNOWN', `there is no service "${name}" to start`)
  }
  const dependencies = (name: string) => Object.keys(model.services[name]?.config.depends_on ?? {})
  const wanted = withDependencies(services?.length ? services : Object.keys(model.services), dependencies)
  const chosen = Object.values(model.services)
    .filter(({ name }) => wanted.has(name))
    .map((service) => [service.name, { ...service, replicas: scale[service.name] ?? service.replicas }])
  const others = Object.keys(model.services).filter((name) => !wanted.has(name))
  return { ...model, services: Object.fromEntries(chosen), disabled: [...model.disabled, ...others] }
}

/** `pull_policy: always` comes before the look, because it changes what is seen. */
async function pullAlways({ engine }: Context, { name, services }: Model, { emit, signal }: Doing): Promise<void> {
  const users = Object.values(services).filter(({ config }) => config.pull_policy === 'always' && config.image)
  const operations = pullOperations(users, 'pull_policy: always')
  await execute({ operations, warnings: [] }, { engine, project: name, emit, signal })
}
