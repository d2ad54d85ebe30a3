import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chain, chord } from '../../../src/canvas/signature.ts'
import { Celery } from '../../../src/celery.ts'
import { graphOf } from '../../../src/result/graph.ts'
import { Worker } from '../../../src/worker/worker.ts'

describe('the graph of a result', () => {
  const app = new Celery('graph', {
    brokerUrl: 'memory://graph',
    resultBackend: 'memory://graph',
    resultExtended: true,
  })
  const add = app.task('add', (x: number, y: number) => x + y)
  const sum = app.task('sum', (numbers: number[]) => numbers.reduce((a, b) => a + b, 0))
  const worker = new Worker(app)
  beforeAll(() => worker.start())
  afterAll(async () => {
    await worker.stop()
    await app.close()
  })

  it('is a tree for people and a graph for Graphviz', async () => {
    const named = (id: string) => ({ taskId: id })
    const workflow = chain(
      add.s(1, 1).set(named('first')),
      chord([add.s(2).set(named('left')), add.s(3).set(named('right'))], sum.s().set(named('last'))),
    )
    const result = await workflow.delay()
    expect(await result.get({ timeout: 5 })).toBe(9)
    const graph = await graphOf(result)
    const header = [...graph.nodes.values()].find(({ name }) => name === 'group of 2')?.id
    expect(String(graph)).toBe(
      [
        'add first SUCCESS',
        `└─ group of 2 ${header}`,
        '   ├─ sum last SUCCESS',
        '   ├─ add left SUCCESS',
        '   └─ add right SUCCESS',
      ].join('\n'),
    )
    expect(graph.toDot()).toContain(`"${header}" -> "last";`)
    expect(graph.toDot()).toContain('"left" [label="add\\nleft\\nSUCCESS"];')
  })

  it('shows what is not there yet, and names that are no words', async () => {
    const graph = await graphOf(app.asyncResult('say "no"'))
    expect(String(graph)).toBe('say "no" PENDING')
    expect(graph.toDot()).toContain('"say \\"no\\""')
  })
})
