import { expect, it } from 'vitest'
import { workersDot } from '../../../cli/remote/workers-dot.ts'

it('workers are drawn with the queues that they serve, their broker and their results', () => {
  const dot = workersDot({
    broker: 'redis://127.0.0.1:6379/0',
    backend: 'redis://127.0.0.1:6379/1',
    workers: [
      { node: 'w1@here', pool: 'prefork', concurrency: 4, queues: ['celery', 'mails'] },
      { node: 'say "\u001b[31mno"', pool: 'async', concurrency: 2, queues: ['celery'] },
    ],
  })
  expect(dot.split('\n')).toEqual([
    'digraph workers {',
    '  node [style=filled, fillcolor=white];',
    '  "redis://127.0.0.1:6379/0" [label="redis://127.0.0.1:6379/0", shape=circle, fillcolor=cadetblue3];',
    '  "results redis://127.0.0.1:6379/1" [label="redis://127.0.0.1:6379/1", shape=folder, fillcolor=peachpuff3];',
    '  "queue celery" [label="celery", shape=cds];',
    '  "redis://127.0.0.1:6379/0" -> "queue celery";',
    '  "queue mails" [label="mails", shape=cds];',
    '  "redis://127.0.0.1:6379/0" -> "queue mails";',
    '  "w1@here" [label="w1@here\\nprefork, 4 at a time", shape=box];',
    '  "queue celery" -> "w1@here";',
    '  "queue mails" -> "w1@here";',
    '  "w1@here" -> "results redis://127.0.0.1:6379/1";',
    '  "say \\"no\\"" [label="say \\"no\\"\\nasync, 2 at a time", shape=box];',
    '  "queue celery" -> "say \\"no\\"";',
    '  "say \\"no\\"" -> "results redis://127.0.0.1:6379/1";',
    '}',
  ])
})
