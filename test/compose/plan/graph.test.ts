import { describe, expect, it } from 'vitest'
import { dependencyOrder, withDependencies } from '../../../compose/plan/graph.ts'

const dependencies: Record<string, string[]> = {
  web: ['worker', 'redis'],
  worker: ['rabbitmq', 'redis'],
  beat: ['rabbitmq'],
}
const of = (name: string) => dependencies[name] ?? []

describe('dependency order', () => {
  it('puts each name after those it depends on and otherwise keeps the order', () => {
    expect(dependencyOrder(['web', 'beat', 'redis', 'worker', 'rabbitmq'], of)).toEqual([
      'rabbitmq',
      'redis',
      'worker',
      'web',
      'beat',
    ])
  })

  it('passes over names that are not there, and circles', () => {
    expect(dependencyOrder(['web', 'worker'], of)).toEqual(['worker', 'web'])
    expect(dependencyOrder(['a', 'b'], (name) => (name === 'a' ? ['b'] : ['a']))).toEqual(['b', 'a'])
  })

  it('finds everything that some names need', () => {
    expect([...withDependencies(['beat'], of)]).toEqual(['beat', 'rabbitmq'])
    expect([...withDependencies(['web'], of)].sort()).toEqual(['rabbitmq', 'redis', 'web', 'worker'])
  })
})
