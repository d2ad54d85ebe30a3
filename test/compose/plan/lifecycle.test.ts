import { describe, expect, it } from 'vitest'
import type { RunState } from '../../../compose/engine/engine.ts'
import { restartPlan, startPlan, stopPlan, withRestarted } from '../../../compose/plan/lifecycle.ts'
import { type ObservedContainer, serviceContainers } from '../../../compose/plan/observe.ts'
import { planLines } from '../../../compose/plan/plan.ts'
import { rememberedModel } from '../../../compose/plan/remembered.ts'

function container(service: string, number: number, dependsOn: string, state: RunState = 'running') {
  const name = `${service}-${number}`
  const labels = {
    'com.docker.compose.project': 'shop',
    'com.docker.compose.service': service,
    'com.docker.compose.container-number': String(number),
    'com.docker.compose.depends_on': dependsOn,
  }
  const rest = { health: 'none', exitCode: undefined, status: '', ports: [], networks: [], volumes: [] } as const
  return { id: name, name, image: service, command: '', labels, state, ...rest }
}

const project = { name: 'shop', directory: '/shop', files: [] }

const stack = (state: RunState): readonly ObservedContainer[] =>
  serviceContainers([
    container('redis', 1, '', state),
    container('migrate', 1, 'redis:service_started:false', state),
    container('worker', 1, 'redis:service_healthy:true,migrate:service_completed_successfully:false', state),
    container('worker', 2, 'redis:service_healthy:true,migrate:service_completed_successfully:false', state),
    container('web', 1, 'worker:service_started:true', state),
  ])

const modelOf = (containers: readonly ObservedContainer[]) => rememberedModel(project, containers)

describe('what containers remember', () => {
  it('is services, how many each has, and whom they wait for', () => {
    const { services } = modelOf(stack('running'))
    expect(Object.keys(services).sort()).toEqual(['migrate', 'redis', 'web', 'worker'])
    expect(services.redis?.role).toBe('redis')
    expect(services.worker).toMatchObject({
      replicas: 2,
      config: {
        depends_on: {
          redis: { condition: 'service_healthy', restart: true },
          migrate: { condition: 'service_completed_successfully', restart: false },
        },
      },
    })
  })

  it('is less when an older Compose wrote it', () => {
    const old = serviceContainers([container('worker', 1, 'redis')])
    expect(modelOf(old).services.worker?.config.depends_on).toEqual({
      redis: { condition: 'service_started', restart: false, required: true },
    })
  })
})

describe('stopping', () => {
  it('begins with those that others do not need, and lets the others wait for them alone', () => {
    const { operations } = stopPlan(stack('running'))
    const after = Object.fromEntries(operations.map(({ name, after }) => [name, after]))
    expect(after).toEqual({
      'web-1': [],
      'worker-1': ['stop:web-1'],
      'worker-2': ['stop:web-1'],
      'migrate-1': ['stop:worker-1', 'stop:worker-2'],
      'redis-1': expect.arrayContaining(['stop:worker-1', 'stop:worker-2', 'stop:migrate-1']),
    })
  })

  it('passes over what stands', () => {
    expect(planLines(stopPlan(stack('exited')))).toEqual([])
  })
})

describe('starting', () => {
  it('waits for each dependency as far as it must be', () => {
    const containers = stack('exited')
    const { operations } = startPlan(modelOf(containers), containers)
    const prior = (id: string) => operations.find((operation) => operation.id === id)?.after
    expect(prior('start:worker-1')).toEqual(['await:redis-1', 'await:migrate-1'])
    expect(prior('start:web-1')).toEqual(['start:worker-1', 'start:worker-2'])
    expect(operations.find(({ id }) => id === 'await:migrate-1')).toMatchObject({ until: 'completed', fresh: true })
    expect(operations.find(({ id }) => id === 'await:redis-1')).toMatchObject({ until: 'ready' })
  })

  it('leaves alone what runs', () => {
    const containers = stack('running')
    expect(planLines(startPlan(modelOf(containers), containers))).toEqual([])
  })
})

describe('restarting', () => {
  it('follows the same order, and starts what stands', () => {
    const containers = [...stack('running').filter(({ name }) => name !== 'web-1'), ...stack('exited').slice(-1)]
    const lines = planLines(restartPlan(modelOf(stack('running')), containers))
    expect(lines[0]).toBe('restart redis-1 (asked for)')
    expect(lines.filter((line) => line.startsWith('start'))).toHaveLength(1)
  })

  it('takes along those that want to be restarted, however far away', () => {
    const model = modelOf(stack('running'))
    expect([...withRestarted(['redis'], model)].sort()).toEqual(['redis', 'web', 'worker'])
    expect(withRestarted(['migrate'], model)).toEqual(['migrate'])
  })
})
