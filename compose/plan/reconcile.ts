import { containerName, imageName, type Model, type Service } from '../file/model.ts'
import { retire } from './dismantle.ts'
import { type Circumstances, divergence } from './divergence.ts'
import { dependencyOrder } from './graph.ts'
import { type ImageRules, type ImageSituation, imageId, imageOperations } from './images.ts'
import type { Observed, ObservedContainer } from './observe.ts'
import type { Operation, Plan } from './plan.ts'

/** How far reconcile goes. */
export interface ReconcileOptions {
  /** Which containers are made anew. @default 'changed' */
  readonly recreate?: 'changed' | 'always' | 'never' | undefined
  /** Removes containers of services that the file no longer has. @default false */
  readonly removeOrphans?: boolean | undefined
  /** Where missing images come from. */
  readonly images?: ImageRules | undefined
}

/** What reconcile knows when it comes to a service; services come in dependency order. */
interface Situation extends Circumstances {
  readonly options: ReconcileOptions
  /** What becomes of the services decided so far. */
  readonly fates: ReadonlyMap<string, readonly Fate[]>
}

/** What becomes of one container that shall be. */
interface Fate {
  readonly name: string
  readonly number: number
  readonly cause: string
  /** The container as it is, when there is one already. */
  readonly old: ObservedContainer | undefined
  readonly make: 'create' | 'recreate' | 'rename' | undefined
  readonly run: 'start' | 'restart' | undefined
}

/** What to do so that what there is becomes what the model asks for. */
export function reconcile(model: Model, observed: Observed, options: ReconcileOptions = {}): Plan {
  const fates = new Map<string, readonly Fate[]>()
  const remade = new Set<string>()
  const situation: Situation = { model, observed, options, fates, remade }
  const containers = inOrder(model).flatMap((service) => {
    const existing = existingOf(service, situation)
    const decided = decide(service, existing, situation)
    fates.set(service.name, decided)
    if (decided.some(isRemade)) remade.add(service.name)
    return [...removals(service, existing), ...operationsOf(service, existing, situation)]
  })
  const sources = { model, images: observed.images, rules: options.images ?? {}, now: new Date() }
  const orphans = orphansOf(model, observed)
  const swept = options.removeOrphans ? orphans.flatMap((orphan) => retire(orphan, orphaned)) : []
  return Object.freeze({
    operations: [...missingResources(model, observed), ...missingImages(sources, containers), ...containers, ...swept],
    warnings: options.removeOrphans ? [] : orphanWarnings(orphans),
  })
}

const orphaned = 'the file has no such service'

function inOrder({ services }: Model): readonly Service[] {
  const dependencies = (name: string) => Object.keys(services[name]?.config.depends_on ?? {})
  return dependencyOrder(Object.keys(services), dependencies).flatMap((name) => services[name] ?? [])
}

interface Existing {
  /** As many as shall be, by number, with what is wrong with each. */
  readonly kept: readonly { readonly old: ObservedContainer; readonly cause: string | undefined }[]
  readonly surplus: readonly ObservedContainer[]
  /** Made by a run that was interrupted before it took the old container away. */
  readonly abandoned: readonly ObservedContainer[]
}

function existingOf(service: Service, situation: Situation): Existing {
  const all = situation.observed.containers.filter((container) => container.service === service.name)
  const abandoned = all.filter((half) => isTemporary(half) && all.some((other) => isWholeOf(half, other)))
  const judged = all
    .filter((container) => !abandoned.includes(container))
    .map((old) => ({ old, cause: causeToRemake(old, service, situation) }))
    // What is up to date stays longest, and of those the lowest numbers.
    .sort((a, b) => Number(a.cause !== undefined) - Number(b.cause !== undefined) || a.old.number - b.old.number)
  const kept = judged.slice(0, service.replicas).sort((a, b) => a.old.number - b.old.number)
  return { kept, surplus: judged.slice(service.replicas).map(({ old }) => old), abandoned }
}

function causeToRemake(old: ObservedContainer, service: Service, situation: Situation): string | undefined {
  const { recreate = 'changed' } = situation.options
  if (recreate === 'changed') return divergence(old, service, situation)
  return recreate === 'always' ? 'asked for' : undefined
}

/** The name of a new container until the old one is gone: `<12 hex digits of the old id>_<name>`. */
export function temporaryName(oldId: string, name: string): string {
  return `${oldId.slice(0, 12)}_${name}`
}

function isTemporary({ name }: ObservedContainer): boolean {
  return /^[0-9a-f]{12}_/.test(name)
}

/** Whether `other` is the container that the half-made one was to take over from. */
function isWholeOf(half: ObservedContainer, other: ObservedContainer): boolean {
  return !isTemporary(other) && other.number === half.number
}

function decide(service: Service, { kept, surplus }: Existing, situation: Situation): readonly Fate[] {
  const highest = Math.max(0, ...[...kept.map(({ old }) => old), ...surplus].map(({ number }) => number))
  const added = Array.from({ length: service.replicas - kept.length }, (_, index): Fate => {
    const number = highest + index + 1
    const name = containerName(situation.model.name, service, number)
    return { name, number, cause: 'missing', old: undefined, make: 'create', run: 'start' }
  })
  return [...kept.map(({ old, cause }) => fateOf(service, old, cause, situation)), ...added]
}

const interrupted = 'left over from an interrupted run'

function fateOf(service: Service, old: ObservedContainer, divergent: string | undefined, situation: Situation): Fate {
  const ownName = containerName(situation.model.name, service, old.number)
  const fate = { name: isTemporary(old) ? ownName : old.name, number: old.number, old }
  if (divergent !== undefined) return { ...fate, name: ownName, cause: divergent, make: 'recreate', run: 'start' }
  const make = isTemporary(old) ? 'rename' : undefined
  if (old.state !== 'running') {
    const cause = old.state === 'exited' ? `exited with code ${old.exitCode ?? 0}` : old.state
    return { ...fate, cause, make, run: 'start' }
  }
  const changed = Object.entries(service.config.depends_on ?? {}).find(
    ([name, { restart }]) => restart && situation.remade.has(name),
  )?.[0]
  if (changed) return { ...fate, cause: `its dependency ${changed} is made anew`, make, run: 'restart' }
  return { ...fate, cause: 'up to date', make, run: undefined }
}

function isRemade({ make }: Fate): boolean {
  return make === 'create' || make === 'recreate'
}

function removals({ replicas }: Service, { surplus, abandoned }: Existing): readonly Operation[] {
  return [
    ...abandoned.flatMap((container) => retire(container, interrupted)),
    ...surplus.flatMap((container) => retire(container, `scaled to ${replicas}`)),
  ]
}

/** What carries out the fates of a service: make, run and wait for each container. */
function operationsOf(service: Service, { abandoned }: Existing, situation: Situation): readonly Operation[] {
  const { model, fates } = situation
  const conditions = Object.entries(service.config.depends_on ?? {}).flatMap(([dependency, { condition }]) =>
    (fates.get(dependency) ?? []).map(({ name }) => (condition === 'service_started' ? startId(name) : awaitId(name))),
  )
  // A new container may need the name that an abandoned one has.
  const cleared = abandoned.map(({ id }) => `remove:${id}`)
  const until = mustComplete(service, model) ? 'completed' : 'ready'
  return (fates.get(service.name) ?? []).flatMap((fate): Operation[] => {
    const { name, number, cause, run } = fate
    const container = isRemade(fate) ? undefined : fate.old?.id
    const after = [makeId(name), ...conditions]
    const fresh = run !== undefined
    return [
      ...makeOperation(service, fate, cleared, situation),
      ...(run
        ? [
            {
              id: startId(name),
              do: run,
              name,
              service,
              number,
              container,
              cause: isRemade(fate) ? 'made' : cause,
              after,
            },
          ]
        : []),
      { id: awaitId(name), do: 'await', name, service, container, until, fresh, cause, after: [startId(name)] },
    ]
  })
}

const makeId = (name: string) => `make:${name}`
const startId = (name: string) => `start:${name}`
const awaitId = (name: string) => `await:${name}`

function makeOperation(
  service: Service,
  fate: Fate,
  cleared: readonly string[],
  { fates, model }: Situation,
): readonly Operation[] {
  const { name, number, cause, old, make } = fate
  const { networks = {}, volumes = [], network_mode } = service.config
  const base = { id: makeId(name), name, service, number, cause }
  const after = [
    ...cleared,
    ...Object.keys(networks).map((key) => `network:${key}`),
    ...volumes.map(({ source }) => `volume:${source}`),
    imageId(service, { model }),
    ...(fates.get(network_mode?.replace(/^service:/, '') ?? '') ?? []).map((owner) => startId(owner.name)),
  ]
  if (make === 'create') return [{ ...base, do: 'create', after }]
  if (make === 'recreate' && old) return [{ ...base, do: 'recreate', old: old.id, after }]
  if (make !== 'rename' || !old) return []
  const renamed = { do: 'rename', service: service.name, container: old.id, to: name, cause: interrupted } as const
  return [{ ...base, ...renamed, name: old.name, after: [] }]
}

/** Whether another service waits for this one to end well. */
export function mustComplete({ name }: Service, { services }: Model): boolean {
  return Object.values(services).some(
    ({ config }) => config.depends_on?.[name]?.condition === 'service_completed_successfully',
  )
}

function missingResources({ networks, volumes }: Model, observed: Observed): readonly Operation[] {
  const missing = (kind: 'network' | 'volume', wanted: Model['networks' | 'volumes'], there: readonly Named[]) =>
    Object.entries(wanted).flatMap(([key, { name }]): Operation[] => {
      const isThere = there.some((resource) => resource.name === name)
      return isThere ? [] : [{ id: `${kind}:${key}`, do: `create ${kind}`, key, name, cause: 'missing', after: [] }]
    })
  return [...missing('network', networks, observed.networks), ...missing('volume', volumes, observed.volumes)]
}

interface Named {
  readonly name: string
}

/** Every image that is needed to make a container and is not there. */
function missingImages(situation: ImageSituation, operations: readonly Operation[]): readonly Operation[] {
  const users = operations.flatMap((operation) =>
    operation.do === 'create' || operation.do === 'recreate' ? [operation.service] : [],
  )
  const { model, images } = situation
  const wanting = [...new Set(users)].filter((service) => !Object.hasOwn(images, imageName(model.name, service)))
  return imageOperations(wanting, situation)
}

function orphansOf({ services, disabled }: Model, { containers }: Observed): readonly ObservedContainer[] {
  return containers.filter(({ service }) => !Object.hasOwn(services, service) && !disabled.includes(service))
}

function orphanWarnings(orphans: readonly ObservedContainer[]): readonly string[] {
  if (orphans.length === 0) return []
  const names = orphans.map(({ name }) => name).join(', ')
  return [`containers of services that the file no longer has are left as they are: ${names}`]
}
