import type { ContainerSpec } from '../engine/engine.ts'
import { StackError } from '../errors.ts'
import { containerName, imageName, type Model, type Service } from '../file/model.ts'
import { ownersOf } from '../identity/hash.ts'
import { containerLabels } from '../identity/labels.ts'
import { temporaryName } from '../plan/reconcile.ts'
import { awaitReady } from './health.ts'
import type { Job, Of } from './job.ts'

export async function create({ service, name, number }: Of<'create'>, job: Job): Promise<void> {
  job.step(service.name, name, 'creating')
  await make(await specOf(service, name, number, job), job)
}

export async function recreate({ service, name, number, old }: Of<'recreate'>, job: Job): Promise<void> {
  const { engine } = job.site
  const replaces = { container: old, temporaryName: temporaryName(old, name) }
  job.step(service.name, name, 'creating', 'in place of the old one')
  const id = await make({ ...(await specOf(service, name, number, job)), replaces }, job)
  job.step(service.name, name, 'stopping', 'the old one')
  await engine.stop(old)
  await engine.remove(old)
  await engine.rename(id, name)
}

export async function rename({ container, to }: Of<'rename'>, { site }: Job): Promise<void> {
  await site.engine.rename(container, to)
}

export async function start(operation: Of<'start'>, job: Job): Promise<void> {
  job.step(operation.service.name, operation.name, 'starting')
  await startOnFreePorts(operation, job)
}

export async function restart(operation: Of<'restart'>, job: Job): Promise<void> {
  job.step(operation.service.name, operation.name, 'stopping', operation.cause)
  await job.site.engine.stop(job.idOf(operation), job.site.stopTimeoutSeconds)
  await start({ ...operation, do: 'start' }, job)
}

export async function awaitOrStartAgain(operation: Of<'await'>, job: Job): Promise<void> {
  try {
    await awaitContainer(operation, job)
  } catch (thrown) {
    if (operation.fresh || !(thrown instanceof StackError) || thrown.code !== 'SERVICE_EXITED') throw thrown
    // It ran when the plan was made. What a command asked for that was killed since, the engine still does.
    await startAgain(operation, job)
    await awaitContainer({ ...operation, fresh: true }, job)
  }
}

export async function stop({ service, name, container }: Of<'stop'>, job: Job): Promise<void> {
  job.step(service, name, 'stopping')
  await job.site.engine.stop(container, job.site.stopTimeoutSeconds)
  job.step(service, name, 'stopped')
}

export async function remove({ service, name, container }: Of<'remove'>, job: Job): Promise<void> {
  await job.site.engine.remove(container, { volumes: job.site.ending?.volumes ?? false })
  job.step(service, name, 'removed')
}

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
  const begin = () => {
    const id = job.idOf(operation)
    job.lives.set(id, watch.of(id))
    return job.site.engine.start(id)
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await begin()
    } catch (thrown) {
      const isBusy = thrown instanceof StackError && thrown.code === 'PORT_BUSY'
      if (!isBusy || !ports || attempt === portAttempts) throw thrown
      await ports.renew(operation.service, operation.name)
      await recreate({ ...operation, do: 'recreate', old: job.idOf(operation) }, job)
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
