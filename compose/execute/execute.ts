import type { BuildSpec } from '../engine/build.ts'
import { pullTotals } from '../engine/docker/pull-progress.ts'
import type { ContainerSpec, Engine, PullProgress } from '../engine/engine.ts'
import { messageOf, StackError } from '../errors.ts'
import type { Emit, ImageStep, Step } from '../events.ts'
import { containerName, imageName, type Model, type Service } from '../file/model.ts'
import type { HashFamily } from '../identity/hash.ts'
import { ownersOf } from '../identity/hash.ts'
import { containerLabels } from '../identity/labels.ts'
import type { Operation, Plan } from '../plan/plan.ts'
import { temporaryName } from '../plan/reconcile.ts'
import { awaitReady } from './health.ts'
import type { PortClaims } from './port-claims.ts'
import type { Probes } from './probe.ts'
import type { Life, Watch } from './watch.ts'

/** What carrying out a plan needs. */
export interface Site {
  readonly engine: Engine
  readonly project: string
  readonly emit: Emit
  readonly signal: AbortSignal
  /** Only for plans that make and start containers. */
  readonly making?: Making
  /** Only for plans that take containers away. */
  readonly ending?: Ending
  /** How long a container may take to stop, instead of its own grace period. */
  readonly stopTimeoutSeconds?: number | undefined
}

/** What making and starting containers needs. */
export interface Making {
  readonly model: Model
  readonly watch: Watch
  /** Undefined when containers are started as they are. */
  readonly ports: PortClaims | undefined
  readonly probes: Probes
  readonly family: HashFamily
  readonly readyTimeoutMs: number
}

/** How containers are taken away. */
export interface Ending {
  /** Whether volumes that nobody named go with their containers. */
  readonly volumes: boolean
}

/**
 * Carries out a plan, everything at once that does not wait for another; decides nothing. The first failure ends a
 * plan that makes things; one that takes things away goes on and throws at the end.
 */
export async function execute(plan: Plan, site: Site): Promise<void> {
  const failing = new AbortController()
  const job = new Job({ ...site, signal: AbortSignal.any([site.signal, failing.signal]) })
  const failures: unknown[] = []
  const done = new Map<string, Promise<void>>()
  for (const operation of plan.operations) {
    const result = carryOut(operation, done, job).catch((thrown: unknown) => {
      if (failures.length === 0) job.fail(operation, thrown)
      failures.push(thrown)
      if (site.ending) return
      failing.abort(thrown)
      throw thrown
    })
    // Its failure is told above; whoever waits for it hears of it too.
    result.catch(() => {})
    done.set(operation.id, result)
  }
  await Promise.allSettled(done.values())
  job.close()
  site.signal.throwIfAborted()
  if (failures.length > 0) throw failures[0]
}

async function carryOut(operation: Operation, done: ReadonlyMap<string, Promise<void>>, job: Job): Promise<void> {
  await Promise.all(operation.after.map((id) => done.get(id)))
  job.site.signal.throwIfAborted()
  const handler = handlers[operation.do] as (operation: Operation, job: Job) => Promise<void>
  await handler(operation, job)
}

/** The run of one plan: what its operations leave for each other. */
class Job {
  readonly site: Site
  /** Ids of the containers this plan made, by name. */
  readonly made = new Map<string, string>()
  /** What happens to the containers this plan started, from before they were. */
  readonly lives = new Map<string, Life>()
  readonly #begun = new Map<string, number>()
  readonly #pulls = new Map<string, PullProgress>()
  #pulled = 0
  readonly #images = new Map<string, Promise<string>>()

  constructor(site: Site) {
    this.site = site
  }

  /** What only a plan that makes containers has. */
  get making(): Making {
    if (!this.site.making) throw new Error('this plan makes nothing')
    return this.site.making
  }

  idOf({ name, container }: { name: string; container: string | undefined }): string {
    return this.made.get(name) ?? container ?? name
  }

  step(service: string, container: string, step: Step, detail = ''): void {
    this.site.emit({ type: 'step', service, container, step, detail, elapsedMs: this.#sinceBegun(container) })
  }

  image(operation: Of<'pull' | 'build'>, step: ImageStep, detail = '', progress?: number): void {
    const { name: image } = operation
    const services = operation.services.map(({ name }) => name)
    const elapsedMs = this.#sinceBegun(image)
    const done = progress === undefined ? {} : { progress }
    this.site.emit({ type: 'image', image, services, step, detail, elapsedMs, ...done })
  }

  #sinceBegun(name: string): number {
    const begun = this.#begun.get(name) ?? Date.now()
    this.#begun.set(name, begun)
    return Date.now() - begun
  }

  fail(operation: Operation, thrown: unknown): void {
    if (this.site.signal.aborted) return
    if (operation.do === 'pull' || operation.do === 'build') {
      this.image(operation, 'failed', messageOf(thrown))
    } else if ('service' in operation) {
      const service = typeof operation.service === 'string' ? operation.service : operation.service.name
      this.step(service, operation.name, 'failed', messageOf(thrown))
    }
  }

  /** One figure for all that is pulled. */
  pulling(image: string, progress: PullProgress): void {
    this.#pulls.set(image, progress)
    const totals = pullTotals(this.#pulls.values(), this.#pulled)
    this.#pulled = totals.fraction
    this.site.emit({ type: 'pull', ...totals })
  }

  /** The id that containers of this image are labelled with. */
  imageId(image: string): Promise<string> {
    const known = this.#images.get(image) ?? this.site.engine.images([image]).then((images) => images[image]?.id ?? '')
    this.#images.set(image, known)
    return known
  }

  close(): void {
    for (const life of this.lives.values()) life.close()
  }
}

type Of<Do extends Operation['do']> = Operation & { readonly do: Do }

const handlers: { readonly [Do in Operation['do']]: (operation: Of<Do>, job: Job) => Promise<void> } = {
  async 'create network'({ key, name }, { site, making }) {
    await site.engine.createNetwork(making.model, key)
    site.emit({ type: 'resource', resource: 'network', name, step: 'created', detail: '' })
  },

  async 'create volume'({ key, name }, { site, making }) {
    await site.engine.createVolume(making.model, key)
    site.emit({ type: 'resource', resource: 'volume', name, step: 'created', detail: '' })
  },

  async 'remove network'({ name, network }, { site }) {
    await removed(site, 'network', name, () => site.engine.removeNetwork(network))
  },

  async 'remove volume'({ name }, { site }) {
    await removed(site, 'volume', name, () => site.engine.removeVolume(name))
  },

  async 'remove image'({ name }, { site }) {
    await removed(site, 'image', name, () => site.engine.removeImage(name))
  },

  async pull(operation, job) {
    try {
      await pull(operation, job)
    } catch (thrown) {
      if (operation.otherwise === 'fail' || !(thrown instanceof StackError)) throw thrown
      job.site.emit({ type: 'warning', message: thrown.message })
      if (operation.otherwise === 'build' && operation.build) return build(operation, operation.build, job)
      job.image(operation, 'kept', 'what is there will do')
    }
  },

  async build(operation, job) {
    await build(operation, operation.build, job)
  },

  async create({ service, name, number }, job) {
    job.step(service.name, name, 'creating')
    await make(await specOf(service, name, number, job), job)
  },

  async recreate({ service, name, number, old }, job) {
    const { engine } = job.site
    const replaces = { container: old, temporaryName: temporaryName(old, name) }
    job.step(service.name, name, 'creating', 'in place of the old one')
    const id = await make({ ...(await specOf(service, name, number, job)), replaces }, job)
    job.step(service.name, name, 'stopping', 'the old one')
    await engine.stop(old)
    await engine.remove(old)
    await engine.rename(id, name)
  },

  async rename({ container, to }, { site }) {
    await site.engine.rename(container, to)
  },

  async start(operation, job) {
    job.step(operation.service.name, operation.name, 'starting')
    await startOnFreePorts(operation, job)
  },

  async restart(operation, job) {
    job.step(operation.service.name, operation.name, 'stopping', operation.cause)
    await job.site.engine.stop(job.idOf(operation), job.site.stopTimeoutSeconds)
    await handlers.start({ ...operation, do: 'start' }, job)
  },

  async await(operation, job) {
    try {
      await awaitContainer(operation, job)
    } catch (thrown) {
      if (operation.fresh || !(thrown instanceof StackError) || thrown.code !== 'SERVICE_EXITED') throw thrown
      // It ran when the plan was made. What a command asked for that was killed since, the engine still does.
      await startAgain(operation, job)
      await awaitContainer({ ...operation, fresh: true }, job)
    }
  },

  async stop({ service, name, container }, job) {
    job.step(service, name, 'stopping')
    await job.site.engine.stop(container, job.site.stopTimeoutSeconds)
    job.step(service, name, 'stopped')
  },

  async remove({ service, name, container }, job) {
    await job.site.engine.remove(container, { volumes: job.site.ending?.volumes ?? false })
    job.step(service, name, 'removed')
  },
}

async function pull(operation: Of<'pull'>, job: Job): Promise<void> {
  const { name: image, platform } = operation
  const report = (fraction: number) => job.image(operation, 'pulling', `${Math.floor(fraction * 100)}%`, fraction)
  let shown = 0
  report(shown)
  for await (const progress of job.site.engine.pull(image, platform, job.site.signal)) {
    job.pulling(image, progress)
    if (progress.fraction === shown) continue
    shown = progress.fraction
    report(shown)
  }
  job.image(operation, 'pulled')
}

async function build(operation: Of<'pull' | 'build'>, spec: BuildSpec, job: Job): Promise<void> {
  const [image = ''] = spec.images
  job.image(operation, 'building')
  for await (const progress of job.site.engine.build(spec, job.site.signal)) {
    if (progress.kind === 'output') {
      job.site.emit({ type: 'output', image, text: progress.text })
    } else if (progress.kind === 'context') {
      const { sent, bytes } = progress
      job.image(operation, 'building', `sending ${inMegabytes(sent)} of ${inMegabytes(bytes)}`)
    } else {
      const { step, of, instruction } = progress
      job.image(operation, 'building', `${step}/${of} ${instruction}`, (step - 1) / of)
    }
  }
  job.image(operation, 'built')
}

const inMegabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

/** Waits for a container as the plan says. */
async function awaitContainer({ service, name, container, until, fresh }: Of<'await'>, job: Job): Promise<void> {
  const { engine, project, signal } = job.site
  const { model, watch, probes, readyTimeoutMs } = job.making
  const id = job.idOf({ name, container })
  const life = job.lives.get(id) ?? watch.of(id)
  job.lives.set(id, life)
  if (fresh) job.step(service.name, name, 'waiting')
  const readiness = await awaitReady(
    {
      engine,
      project,
      service: service.name,
      name,
      container: id,
      role: service.role,
      probes,
      mustComplete: until === 'completed',
      mayComplete: mayComplete(service),
      fresh,
      timeoutMs: readyTimeoutMs,
      signal,
      awaitedBy: dependentsOf(service, model),
      onDoubt: (doubt) => job.step(service.name, name, 'waiting', doubt),
    },
    life,
  )
  job.step(service.name, name, fresh ? readiness : 'unchanged', fresh ? '' : readiness)
}

async function startAgain({ service, name, container }: Of<'await'>, job: Job): Promise<void> {
  const id = job.idOf({ name, container })
  job.step(service.name, name, 'starting', 'it ended meanwhile')
  job.lives.get(id)?.close()
  job.lives.set(id, job.making.watch.of(id))
  await job.site.engine.start(id)
}

/** Somebody else may still use what the project made: that is left to them. */
async function removed(
  site: Site,
  resource: 'network' | 'volume' | 'image',
  name: string,
  remove: () => Promise<void>,
) {
  try {
    await remove()
    site.emit({ type: 'resource', resource, name, step: 'removed', detail: '' })
  } catch (thrown) {
    if (!(thrown instanceof StackError) || thrown.code !== 'RESOURCE_IN_USE') throw thrown
    site.emit({ type: 'resource', resource, name, step: 'kept', detail: thrown.message })
  }
}

async function make(spec: ContainerSpec, job: Job): Promise<string> {
  const id = await job.site.engine.create(spec)
  job.made.set(spec.name, id)
  return id
}

async function specOf(service: Service, name: string, number: number, job: Job): Promise<ContainerSpec> {
  const { model, ports, family } = job.making
  const imageId = await job.imageId(imageName(model.name, service))
  const owners = new Map<string, string>()
  for (const owner of ownersOf(service.config)) {
    const shared = model.services[owner]
    const found = shared && (await job.site.engine.inspect(containerName(model.name, shared, 1)))
    if (found) owners.set(owner, found.id)
  }
  const labels = containerLabels(model, service, number, { family, imageId, owner: (name) => owners.get(name) })
  return { name, model, service, labels, ports: ports?.portsOf(name) ?? [], replaces: undefined }
}

/** Each of several projects that start at one moment may lose the race for a port to all the others. */
const portAttempts = 10

/** The engine has the last word on ports: when it finds one taken after all, the container is made anew on others. */
async function startOnFreePorts(operation: Of<'start'>, job: Job): Promise<void> {
  const { ports, watch } = job.making
  const start = () => {
    const id = job.idOf(operation)
    job.lives.set(id, watch.of(id))
    return job.site.engine.start(id)
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await start()
    } catch (thrown) {
      const isBusy = thrown instanceof StackError && thrown.code === 'PORT_BUSY'
      if (!isBusy || !ports || attempt === portAttempts) throw thrown
      await ports.renew(operation.service, operation.name)
      await handlers.recreate({ ...operation, do: 'recreate', old: job.idOf(operation) }, job)
    }
  }
}

/** Services that begin only when this one is ready. */
function dependentsOf({ name }: Service, { services }: Model): readonly string[] {
  const waits = ({ config }: Service) =>
    (config.depends_on?.[name]?.condition ?? 'service_started') !== 'service_started'
  return Object.values(services)
    .filter(waits)
    .map((service) => service.name)
}

/** A broker or a worker that ends is no service any more, whatever its exit code says. */
function mayComplete(service: Service): boolean {
  return service.role === undefined && !restarts(service)
}

/** Whether the engine starts a container of this service again when it ends. */
function restarts({ config }: Service): boolean {
  const policy = config.deploy?.restart_policy
  if (policy) return policy.condition !== 'none'
  return config.restart !== undefined && config.restart !== 'no'
}
