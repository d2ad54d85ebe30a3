import type { Model, Service } from '../file/model.ts'
import { serviceOf } from '../identity/labels.ts'
import { dependentsFirst, hasEnded } from './dismantle.ts'
import { dependencyOrder } from './graph.ts'
import type { ObservedContainer } from './observe.ts'
import type { Operation, Plan } from './plan.ts'
import { mustComplete } from './reconcile.ts'

const cause = 'asked for'

/** How to stop containers: those that depend on others first, independent ones at once. */
export function stopPlan(containers: readonly ObservedContainer[]): Plan {
  const operations = dependentsFirst(containers).flatMap(([{ id, name, labels, state }, after]): Operation[] =>
    hasEnded(state)
      ? []
      : [{ id: `stop:${id}`, do: 'stop', name, service: serviceOf(labels), container: id, cause, after }],
  )
  return Object.freeze({ operations, warnings: [] })
}

/** How to start containers that stand: each when those it waits for are as far as it wants them, if they are there. */
export function startPlan(model: Model, containers: readonly ObservedContainer[]): Plan {
  return runPlan(model, containers, ({ state }) => (hasEnded(state) ? 'start' : undefined))
}

/** How to restart containers, in the same order. */
export function restartPlan(model: Model, containers: readonly ObservedContainer[]): Plan {
  return runPlan(model, containers, ({ state }) => (hasEnded(state) ? 'start' : 'restart'))
}

/** The services, and those that want to be restarted with them (`depends_on.restart`), however far away. */
export function withRestarted(services: readonly string[], model: Model): readonly string[] {
  const taken = new Set(services)
  const follows = ({ config }: Service) =>
    Object.entries(config.depends_on ?? {}).some(([name, { restart }]) => restart && taken.has(name))
  for (let before = -1; before < taken.size; ) {
    before = taken.size
    for (const service of Object.values(model.services)) if (follows(service)) taken.add(service.name)
  }
  return [...taken]
}

function runPlan(
  model: Model,
  containers: readonly ObservedContainer[],
  runOf: (container: ObservedContainer) => 'start' | 'restart' | undefined,
): Plan {
  const of = (service: string) => containers.filter((container) => container.service === service)
  const dependencies = (name: string) => Object.keys(model.services[name]?.config.depends_on ?? {})
  const operations = dependencyOrder(Object.keys(model.services), dependencies).flatMap((name) => {
    const service = model.services[name]
    if (!service) return []
    const until = mustComplete(service, model) ? 'completed' : 'ready'
    const after = Object.entries(service.config.depends_on ?? {}).flatMap(([dependency, { condition }]) =>
      of(dependency).map((other) => `${condition === 'service_started' ? 'start' : 'await'}:${other.name}`),
    )
    return of(name).flatMap((container) => running(service, container, runOf(container), { until, after }))
  })
  return Object.freeze({ operations, warnings: [] })
}

function running(
  service: Service,
  { id: container, name, number, state }: ObservedContainer,
  run: 'start' | 'restart' | undefined,
  { until, after }: { readonly until: 'ready' | 'completed'; readonly after: readonly string[] },
): readonly Operation[] {
  const base = { name, service, container }
  const start = `start:${name}`
  const wait: Operation = {
    ...base,
    id: `await:${name}`,
    do: 'await',
    until,
    fresh: run !== undefined,
    cause,
    after: [start],
  }
  if (!run) return [wait]
  return [{ ...base, id: start, do: run, number, cause: run === 'start' ? state : cause, after }, wait]
}
