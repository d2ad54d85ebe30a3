import { expect, it } from 'vitest'
import { queueStatus } from '../../../cli/remote/queue-status.ts'
import type { QueueInfo, RequestInfo } from '../../../src/index.ts'

const queue = (name: string, exchange = name, routing_key = name): QueueInfo => ({
  ...{ name, routing_key, exchange: { name: exchange, type: 'direct' } },
})

const request = (exchange: string, routing_key: string, acknowledged = false) =>
  ({ acknowledged, delivery_info: { exchange, routing_key } }) as RequestInfo

it('queues are those that are declared and those that are served, each with what workers hold of it', () => {
  const queues = queueStatus(
    ['celery', 'idle'],
    {
      queues: {
        a: [queue('celery'), queue('media', 'files', 'image')],
        b: [queue('celery')],
        c: { error: 'no' } as never,
      },
      active: { a: [request('', 'celery', true), request('files', 'image')] },
      reserved: { b: [request('', 'celery')] },
      scheduled: { b: [{ eta: '', priority: 6, request: request('', 'celery') }] },
    },
    new Map([
      ['celery', 3],
      ['idle', 7],
    ]),
  )
  expect(queues).toEqual([
    { name: 'celery', depth: 3, unacked: 2, workers: ['a', 'b'] },
    { name: 'idle', depth: 7, unacked: 0, workers: [] },
    { name: 'media', depth: 0, unacked: 1, workers: ['a'] },
  ])
})
