import { describe, expect, it } from 'vitest'
import type { ContainerState, ImageState } from '../../../compose/engine/engine.ts'
import { containerName, type Model } from '../../../compose/file/model.ts'
import { containerLabels } from '../../../compose/identity/labels.ts'
import { type Observed, serviceContainers } from '../../../compose/plan/observe.ts'
import type { Operation } from '../../../compose/plan/plan.ts'
import { planLines } from '../../../compose/plan/plan.ts'
import { type ReconcileOptions, reconcile, temporaryName } from '../../../compose/plan/reconcile.ts'
import { modelOf } from '../model-of.ts'

const file = `
services:
  redis:
    image: redis:8
    volumes: [data:/data]
  worker:
    image: node:24
    environment: { LEVEL: info }
    depends_on: { redis: { condition: service_healthy, restart: true } }
    deploy: { replicas: 2 }
volumes: { data: }
`

const images: Record<string, ImageState> = { 'redis:8': { id: 'sha256:redis' }, 'node:24': { id: 'sha256:node' } }
const nothing: Observed = { containers: [], networks: [], volumes: [], images }

/** What there is after a model went up. */
function standing(model: Model): Observed {
  const containers = Object.values(model.services).flatMap((service) =>
    Array.from({ length: service.replicas }, (_, index) => containerOf(model, service.name, index + 1)),
  )
  return {
    containers: serviceContainers(containers),
    networks: [{ id: 'net-1', name: 'shop_default', labels: {} }],
    volumes: [{ name: 'shop_data', labels: {} }],
    images,
  }
}

function containerOf(model: Model, name: string, number: number, change: Partial<ContainerState> = {}): ContainerState {
  const service = model.services[name]
  if (!service) throw new Error(`no service ${name}`)
  const imageId = images[service.config.image ?? '']?.id ?? ''
  return {
    id: `${name}-${number}`.padEnd(64, '0'),
    name: containerName(model.name, service, number),
    image: service.config.image ?? '',
    command: '',
    labels: containerLabels(model, service, number, { family: 'v2', imageId }),
    state: 'running',
    health: 'none',
    exitCode: undefined,
    status: 'Up',
    ports: [],
    networks: [{ name: 'shop_default', id: 'net-1' }],
    volumes: name === 'redis' ? ['shop_data'] : [],
    ...change,
  }
}

function changed(observed: Observed, change: (container: ContainerState) => Partial<ContainerState>): Observed {
  return { ...observed, containers: serviceContainers(observed.containers.map((one) => ({ ...one, ...change(one) }))) }
}

function lines(text: string, observed: Observed, options: ReconcileOptions = {}): readonly string[] {
  return planLines(reconcile(modelOf(text), observed, options))
}

describe('a plan', () => {
  it('makes everything when there is nothing', () => {
    expect(lines(file, { ...nothing, images: {} })).toEqual([
      'create network shop_default (missing)',
      'create volume shop_data (missing)',
      'pull redis:8 (not in the local store)',
      'pull node:24 (not in the local store)',
      'create shop-redis-1 (missing)',
      'start shop-redis-1 (made)',
      'create shop-worker-1 (missing)',
      'start shop-worker-1 (made)',
      'create shop-worker-2 (missing)',
      'start shop-worker-2 (made)',
    ])
  })

  it('changes nothing when everything is as it shall be', () => {
    expect(lines(file, standing(modelOf(file)))).toEqual([])
  })

  it('accepts hashes of either family and ignores what Compose does not hash', () => {
    const model = modelOf(file)
    const newer = changed(standing(model), ({ labels }) => {
      const service = model.services[labels['com.docker.compose.service'] ?? '']
      if (!service) throw new Error('no service')
      const made = { family: 'v5', imageId: labels['com.docker.compose.image'] ?? '' } as const
      return { labels: containerLabels(model, service, 1, made) }
    })
    expect(
      lines(file.replace('service_healthy', 'service_started').replace('restart: true', 'restart: false'), newer),
    ).toEqual([])
  })

  it('makes anew only what changed, saying what', () => {
    const observed = standing(modelOf(file))
    expect(lines(file.replace('LEVEL: info', 'LEVEL: debug'), observed)).toEqual([
      'recreate shop-worker-1 (environment.LEVEL changed)',
      'start shop-worker-1 (made)',
      'recreate shop-worker-2 (environment.LEVEL changed)',
      'start shop-worker-2 (made)',
    ])
  })

  it('restarts what asks to be restarted with its dependency', () => {
    const observed = changed(standing(modelOf(file)), ({ name }) => (name === 'shop-redis-1' ? { volumes: [] } : {}))
    expect(lines(file, observed)).toEqual([
      'recreate shop-redis-1 (volume data is not mounted)',
      'start shop-redis-1 (made)',
      'restart shop-worker-1 (its dependency redis is made anew)',
      'restart shop-worker-2 (its dependency redis is made anew)',
    ])
  })

  it.each([
    [
      'an image that was updated',
      (o: Observed) => ({ ...o, images: { ...images, 'node:24': { id: 'sha256:newer' } } }),
      'image node:24 was updated',
    ],
    [
      'a network that was made anew',
      (o: Observed) => ({ ...o, networks: [{ id: 'net-2', name: 'shop_default', labels: {} }] }),
      'the network default was made anew',
    ],
    [
      'a network it is not on',
      (o: Observed) => changed(o, () => ({ networks: [] })),
      'it is not on the network default',
    ],
    [
      'a container that someone else made',
      (o: Observed) =>
        changed(o, ({ labels }) => ({
          labels: { ...labels, 'com.docker.compose.config-hash': 'other', 'dev.celery-sandbox.parts': '{}' },
        })),
      'its configuration changed',
    ],
  ])('sees %s', (_, change, cause) => {
    const text = 'services: { worker: { image: "node:24" } }'
    expect(lines(text, change(standing(modelOf(text))))[0]).toBe(`recreate shop-worker-1 (${cause})`)
  })

  it('starts what stands still, with the reason', () => {
    const observed = changed(standing(modelOf(file)), ({ name }) =>
      name === 'shop-worker-2'
        ? { state: 'exited', exitCode: 137 }
        : name === 'shop-redis-1'
          ? { state: 'created' }
          : {},
    )
    expect(lines(file, observed)).toEqual([
      'start shop-redis-1 (created)',
      'start shop-worker-2 (exited with code 137)',
    ])
  })

  it('scales up from the highest number and down by the highest numbers', () => {
    const two = standing(modelOf(file))
    expect(lines(file.replace('replicas: 2', 'replicas: 3'), two)).toEqual([
      'create shop-worker-3 (missing)',
      'start shop-worker-3 (made)',
    ])
    expect(lines(file.replace('replicas: 2', 'replicas: 1'), two)).toEqual([
      'stop shop-worker-2 (scaled to 1)',
      'remove shop-worker-2 (scaled to 1)',
    ])
    const withoutFirst = { ...two, containers: two.containers.filter(({ name }) => name !== 'shop-worker-1') }
    expect(lines(file, withoutFirst)[0]).toBe('create shop-worker-3 (missing)')
  })

  it('scales down what is out of date first', () => {
    const observed = changed(standing(modelOf(file)), ({ name, labels }) =>
      name === 'shop-worker-1' ? { labels: { ...labels, 'com.docker.compose.config-hash': 'old' } } : {},
    )
    expect(lines(file.replace('replicas: 2', 'replicas: 1'), observed)).toEqual([
      'stop shop-worker-1 (scaled to 1)',
      'remove shop-worker-1 (scaled to 1)',
    ])
  })

  it('finishes what an interrupted run began', () => {
    const model = modelOf(file)
    const observed = standing(model)
    const half = (name: string, number: number) =>
      containerOf(model, name, number, {
        id: 'f'.repeat(64),
        name: temporaryName('a'.repeat(64), `shop-${name}-${number}`),
        state: 'created',
      })
    const abandoned = { ...observed, containers: serviceContainers([...observed.containers, half('worker', 2)]) }
    expect(lines(file, abandoned)).toEqual(['remove aaaaaaaaaaaa_shop-worker-2 (left over from an interrupted run)'])
    const orphaned = {
      ...observed,
      containers: serviceContainers([
        ...observed.containers.filter(({ name }) => name !== 'shop-worker-2'),
        half('worker', 2),
      ]),
    }
    expect(lines(file, orphaned)).toEqual([
      'rename aaaaaaaaaaaa_shop-worker-2 to shop-worker-2 (left over from an interrupted run)',
      'start shop-worker-2 (created)',
    ])
  })

  it('recreates always or never when told so', () => {
    const observed = standing(modelOf(file))
    expect(lines(file, observed, { recreate: 'always' }).filter((line) => line.startsWith('recreate'))).toEqual([
      'recreate shop-redis-1 (asked for)',
      'recreate shop-worker-1 (asked for)',
      'recreate shop-worker-2 (asked for)',
    ])
    expect(lines(file.replace('info', 'debug'), observed, { recreate: 'never' })).toEqual([])
  })

  it('leaves containers of other services alone and names them', () => {
    const model = modelOf(file)
    const { warnings, operations } = reconcile(
      modelOf('services: { redis: { image: "redis:8", volumes: [data:/data] } }\nvolumes: { data: }'),
      standing(model),
    )
    expect(planLines({ operations, warnings })).toEqual([])
    expect(warnings).toEqual([
      'containers of services that the file no longer has are left as they are: shop-worker-1, shop-worker-2',
    ])
  })

  it('removes them when asked to', () => {
    const rest = 'services: { redis: { image: "redis:8", volumes: [data:/data] } }\nvolumes: { data: }'
    const { warnings, operations } = reconcile(modelOf(rest), standing(modelOf(file)), { removeOrphans: true })
    expect(planLines({ operations, warnings })).toEqual([
      'stop shop-worker-1 (the file has no such service)',
      'remove shop-worker-1 (the file has no such service)',
      'stop shop-worker-2 (the file has no such service)',
      'remove shop-worker-2 (the file has no such service)',
    ])
    expect(warnings).toEqual([])
  })

  it('pulls an image once, and not at all when told never to', () => {
    const text = 'services: { a: { image: x }, b: { image: x }, c: { image: y, pull_policy: never } }'
    expect(lines(text, nothing).filter((line) => line.startsWith('pull'))).toEqual(['pull x (not in the local store)'])
  })
})

describe('the order of a plan', () => {
  const needs = (operations: readonly Operation[], id: string) =>
    operations.find((operation) => operation.id === id)?.after

  it('starts a container when it is made and its conditions hold', () => {
    const { operations } = reconcile(modelOf(file), nothing)
    expect(needs(operations, 'make:shop-redis-1')).toEqual(['network:default', 'volume:data', 'image:redis:8'])
    expect(needs(operations, 'start:shop-worker-1')).toEqual(['make:shop-worker-1', 'await:shop-redis-1'])
    expect(needs(operations, 'await:shop-worker-1')).toEqual(['start:shop-worker-1'])
  })

  it('waits only for the start where that is the condition, and for the end where that is', () => {
    const text = `services:
  a: { image: x, depends_on: { b: { condition: service_started }, c: { condition: service_completed_successfully } } }
  b: { image: x }
  c: { image: x }`
    const { operations } = reconcile(modelOf(text), nothing)
    expect(needs(operations, 'start:shop-a-1')).toEqual(['make:shop-a-1', 'start:shop-b-1', 'await:shop-c-1'])
    const untils = operations.flatMap((operation) =>
      operation.do === 'await' ? [[operation.name, operation.until]] : [],
    )
    expect(Object.fromEntries(untils)).toEqual({ 'shop-a-1': 'ready', 'shop-b-1': 'ready', 'shop-c-1': 'completed' })
  })

  it('is one in which everything could be done one by one', () => {
    const { operations } = reconcile(modelOf(file), { ...nothing, images: {} })
    const ids = operations.map(({ id }) => id)
    for (const [index, operation] of operations.entries()) {
      const later = operation.after.filter((id) => ids.indexOf(id) > index)
      expect(later).toEqual([])
    }
  })
})
