import { StackError } from '../errors.ts'
import type { Operation, Plan } from '../plan/plan.ts'
import * as containers from './containers.ts'
import { build, pullOrElse } from './images.ts'
import { Job, type Of, type Site } from './job.ts'

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

  pull: pullOrElse,
  build: (operation, job) => build(operation, operation.build, job),
  create: containers.create,
  recreate: containers.recreate,
  rename: containers.rename,
  start: containers.start,
  restart: containers.restart,
  await: containers.awaitOrStartAgain,
  stop: containers.stop,
  remove: containers.remove,
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
