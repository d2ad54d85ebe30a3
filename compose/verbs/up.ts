import { StackError } from '../errors.ts'
import { execute } from '../execute/execute.ts'
import { PortClaims } from '../execute/port-claims.ts'
import { Watch } from '../execute/watch.ts'
import { imageName, type Model, type Service } from '../file/model.ts'
import { chooseFamily } from '../plan/family.ts'
import { withDependencies } from '../plan/graph.ts'
import { type ImageRules, imageOperations } from '../plan/images.ts'
import { type Observed, observe } from '../plan/observe.ts'
import { type Plan, planLines } from '../plan/plan.ts'
import { refuseElsewhere, refuseMissingExternals, refuseMissingImages } from '../plan/preconditions.ts'
import { type ReconcileOptions, reconcile } from '../plan/reconcile.ts'
import { alone, type Context, type Doing } from './context.ts'

/** What `up` takes. */
export interface UpOptions extends ReconcileOptions {
  /** Only these and what they depend on. */
  readonly services?: readonly string[] | undefined
  /** `--scale`: how many containers instead of what the file says. */
  readonly scale?: Readonly<Record<string, number>> | undefined
  /** Whether what the services depend on is taken along. @default true */
  readonly dependencies?: boolean | undefined
  /** Only says what would be done. @default false */
  readonly dryRun?: boolean | undefined
  /** How long one service may take to become ready. @default 120 */
  readonly timeoutSeconds?: number | undefined
  /** Takes over a project of the same name from another directory. @default false */
  readonly anyDirectory?: boolean | undefined
}

/** Makes as many containers of services as asked for, and touches nothing else, whatever has changed in the file. */
export function scale(context: Context, numbers: Readonly<Record<string, number>>, doing: Doing): Promise<void> {
  const services = Object.keys(numbers)
  const options: UpOptions = { services, scale: numbers, dependencies: false, recreate: 'never' }
  return alone(context, 'scale', doing, () =>
    bringUp(context, selected(context.project.model(), options), options, doing),
  )
}

/** Makes things as the file asks. A dry run changes nothing, so it waits for nobody. */
export function up(context: Context, options: UpOptions, doing: Doing): Promise<void> {
  const work = () => bringUp(context, selected(context.project.model(), options), options, doing)
  return options.dryRun ? work() : alone(context, 'up', doing, work)
}

/**
 * Makes what a run of a service of its own needs besides its container: networks, volumes, its image and, unless
 * unwanted, what it depends on, which is waited for.
 */
export function prepareRun(
  context: Context,
  name: string,
  { dependencies, timeoutSeconds }: Pick<UpOptions, 'dependencies' | 'timeoutSeconds'>,
  doing: Doing,
): Promise<void> {
  const model = context.project.model()
  const service = model.services[name]
  const needed = dependencies === false ? [] : Object.keys(service?.config.depends_on ?? {})
  const services = needed.length > 0 ? selected(model, { services: needed }).services : {}
  const others = Object.keys(model.services).filter((other) => !Object.hasOwn(services, other))
  const wanted = { ...model, services, disabled: [...model.disabled, ...others] }
  return alone(context, 'run', doing, async () => {
    await bringUp(context, wanted, { recreate: 'never', timeoutSeconds }, doing)
    if (service) await provideImage(context, model, service, doing)
  })
}

/** Plan, then act. */
async function bringUp(context: Context, wanted: Model, given: UpOptions, doing: Doing): Promise<void> {
  const startedAt = Date.now()
  const { project, engine, reason, env, strictPorts, probes } = context
  // The embedded engine has no images to ask for.
  const options = engine.kind === 'embedded' ? { ...given, images: undefined } : given
  const { emit, signal } = doing
  const isDry = options.dryRun ?? false
  emit({ type: 'engine', kind: engine.kind, endpoint: engine.endpoint, reason })
  const { model, notes } = engine.prepare(wanted)
  for (const message of [...model.warnings, ...notes]) emit({ type: 'warning', message })
  // Events first: what happens between the look and the act is not missed.
  const watch = await Watch.open(engine, model.name, signal)
  try {
    const before = await observe(engine, model)
    if (!options.anyDirectory) refuseElsewhere(project, before.containers)
    refuseMissingExternals(model, before)
    const renewal = renewals(model, before, options.images)
    if (renewal.operations.length > 0) {
      emit({ type: 'plan', operations: planLines(renewal), found: before.containers.length, isDry })
      if (!isDry) await execute(renewal, { engine, project: model.name, emit, signal })
    }
    const isSeenAnew = renewal.operations.length > 0 && !isDry
    const observed = isSeenAnew ? await observe(engine, model) : before
    const plan = reconcile(model, observed, options)
    refuseMissingImages(plan, model, observed)
    const operations = planLines(plan)
    for (const message of plan.warnings) emit({ type: 'warning', message })
    emit({ type: 'plan', operations, found: observed.containers.length, isDry })
    if (!isDry) {
      const ports = new PortClaims(engine, model, { strict: strictPorts, emit })
      await ports.claim(plan)
      const family = await chooseFamily(observed.containers, env)
      const readyTimeoutMs = (options.timeoutSeconds ?? 120) * 1000
      const making = { model, watch, ports, probes, family, readyTimeoutMs }
      await execute(plan, { engine, project: model.name, emit, signal, making })
    }
    if (isDry) await engine.release(model.name)
    const changes = operations.length + renewal.operations.length
    emit({ type: 'done', changed: !isDry && changes > 0, elapsedMs: Date.now() - startedAt })
  } finally {
    watch.stop()
  }
}

/** The model with only the services asked for and what they need, as often as asked for. */
function selected(model: Model, { services, scale = {}, dependencies: isWithThem = true }: UpOptions): Model {
  for (const name of [...(services ?? []), ...Object.keys(scale)]) {
    if (Object.hasOwn(model.services, name)) continue
    throw new StackError('SERVICE_UNKNOWN', `there is no service "${name}" to start`)
  }
  const dependencies = (name: string) => (isWithThem ? Object.keys(model.services[name]?.config.depends_on ?? {}) : [])
  const wanted = withDependencies(services?.length ? services : Object.keys(model.services), dependencies)
  const chosen = Object.values(model.services)
    .filter(({ name }) => wanted.has(name))
    .map((service) => [service.name, { ...service, replicas: scale[service.name] ?? service.replicas }])
  const others = Object.keys(model.services).filter((name) => !wanted.has(name))
  return { ...model, services: Object.fromEntries(chosen), disabled: [...model.disabled, ...others] }
}

async function provideImage(
  { engine }: Context,
  model: Model,
  service: Service,
  { emit, signal }: Doing,
): Promise<void> {
  const images = await engine.images([imageName(model.name, service)])
  const operations = imageOperations([service], { model, images, rules: {}, now: new Date() })
  await execute({ operations, warnings: [] }, { engine, project: model.name, emit, signal })
}

/** Images that are there and are pulled or built again: first of all, because it changes what is seen. */
function renewals(model: Model, { images }: Observed, rules: ImageRules = {}): Plan {
  const there = Object.values(model.services).filter((service) => Object.hasOwn(images, imageName(model.name, service)))
  return { operations: imageOperations(there, { model, images, rules, now: new Date() }), warnings: [] }
}
