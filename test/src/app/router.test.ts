import { describe, expect, it } from 'vitest'
import { route } from '../../../src/app/router.ts'

const settings = {
  taskDefaultQueue: 'celery',
  taskDefaultPriority: 0,
  taskRoutes: { 'feeds.*': { queue: 'feeds' }, 'feeds.urgent': { queue: 'now', priority: 9 } },
}

describe('a route', () => {
  it.each([
    ['tasks.add', {}, 'celery', 0],
    ['feeds.import', {}, 'feeds', 0],
    ['feeds.urgent', {}, 'now', 9],
    ['feeds.import', { queue: 'mine' }, 'mine', 0],
    ['feeds.urgent', { priority: 1 }, 'now', 1],
    ['toString', {}, 'celery', 0],
  ])('of %s with %j leads to %s', (task, call, queue, priority) => {
    const found = route(task, call, settings)
    expect([found.queue.name, found.queue.routingKey, found.priority]).toEqual([queue, queue, priority])
  })
})
