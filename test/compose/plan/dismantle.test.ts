import { describe, expect, it } from 'vitest'
import type { ContainerState, RunState } from '../../../compose/engine/engine.ts'
import { dismantle } from '../../../compose/plan/dismantle.ts'
import { planLines } from '../../../compose/plan/plan.ts'

function container(
  name: string,
  service: string,
  dependsOn: string,
  state: RunState = 'running',
  project = 'shop',
): ContainerState {
  return {
    id: name,
    name,
    image: '',
    command: '',
    labels: {
      'com.docker.compose.project': project,
      'com.docker.compose.service': service,
      'com.docker.compose.depends_on': dependsOn,
    },
    state,
    health: 'none',
    exitCode: undefined,
    status: '',
    ports: [],
    networks: [],
    volumes: [],
  }
}

const ours = { 'com.docker.compose.project': 'shop' }
const there = {
  containers: [
    container('redis-1', 'redis', ''),
    container('worker-1', 'worker', 'redis:service_healthy:false'),
    container('worker-2', 'worker', 'redis:service_healthy:false', 'created'),
    container('web-1', 'web', 'worker:service_started:false,redis:service_started:false'),
    container('other-1', 'redis', '', 'running', 'other'),
  ],
  networks: [
    { id: 'n1', name: 'shop_default', labels: ours },
    { id: 'n2', name: 'borrowed', labels: {} },
  ],
  volumes: [
    { name: 'shop_data', labels: ours },
    { name: 'borrowed', labels: {} },
  ],
}

describe('taking a project down', () => {
  it('stops those that depend on others first and touches nothing that is not its own', () => {
    expect(planLines(dismantle('shop', there))).toEqual([
      'stop web-1 (asked for)',
      'remove web-1 (asked for)',
      'stop worker-1 (asked for)',
      'remove worker-1 (asked for)',
      'remove worker-2 (asked for)',
      'stop redis-1 (asked for)',
      'remove redis-1 (asked for)',
      'remove network shop_default (asked for)',
    ])
  })

  it('keeps volumes unless asked', () => {
    expect(planLines(dismantle('shop', there, { volumes: true })).at(-1)).toBe('remove volume shop_data (asked for)')
  })

  it('removes volumes without a name with the containers that have them', () => {
    const anonymous = 'a'.repeat(64)
    const containers = [{ ...container('redis-1', 'redis', ''), volumes: [anonymous, 'borrowed'] }]
    const lines = planLines(dismantle('shop', { containers, networks: [], volumes: [] }, { volumes: true }))
    expect(lines.at(-1)).toBe(`remove volume ${anonymous} (asked for)`)
    expect(lines.join()).not.toContain('borrowed')
  })

  it('lets each stop wait for the stops of its dependents, and networks for every removal', () => {
    const { operations } = dismantle('shop', there)
    const needs = (id: string) => operations.find((operation) => operation.id === id)?.after
    expect(needs('stop:web-1')).toEqual([])
    expect(needs('stop:worker-1')).toEqual(['stop:web-1'])
    expect(needs('stop:redis-1')).toEqual(['stop:worker-1', 'stop:worker-2', 'stop:web-1'])
    expect(needs('network:n1')).toEqual(['remove:redis-1', 'remove:worker-1', 'remove:worker-2', 'remove:web-1'])
  })

  it('does nothing when there is nothing', () => {
    expect(dismantle('shop', { containers: [], networks: [], volumes: [] }).operations).toEqual([])
  })

  it('is not caught in a circle of labels', () => {
    const circle = [container('a', 'a', 'b:service_started:false'), container('b', 'b', 'a:service_started:false')]
    const { operations } = dismantle('shop', { containers: circle, networks: [], volumes: [] })
    const waiting = operations.filter(({ id }) => id.startsWith('stop')).map(({ after }) => after.length)
    expect(waiting.sort()).toEqual([0, 1])
  })
})
