import { describe, expect, it } from 'vitest'
import { configure } from '../../../src/app/config/configure.ts'
import type { GivenSettings } from '../../../src/app/config.ts'
import { broadcast, Queues, queue } from '../../../src/app/queues.ts'
import { route, type TaskRoutes } from '../../../src/app/router.ts'
import type { CallOptions } from '../../../src/canvas/canvas.ts'
import { exchange } from '../../../src/protocol/entity.ts'

function whither(task: string, options: CallOptions, settings: GivenSettings) {
  const conf = configure(settings, {})
  const queues = new Queues(conf)
  return route({ task, args: [1], kwargs: {}, options }, conf, queues)
}

/** `exchange/routing key (queue to declare)`. */
function text(task: string, options: CallOptions = {}, settings: GivenSettings = {}): string {
  const found = whither(task, options, settings).destination
  return `${found.exchange.name}/${found.routingKey}${found.queue ? ` (${found.queue.name})` : ''}`
}

describe('a route', () => {
  const taskRoutes: TaskRoutes = { 'feeds.*': { queue: 'feeds' }, 'feeds.urgent': { queue: 'now', priority: 9 } }

  it.each([
    ['tasks.add', {}, '/celery (celery)', undefined],
    ['feeds.import', {}, '/feeds (feeds)', undefined],
    ['feeds.urgent', {}, '/now (now)', 9],
    ['feeds.import', { queue: 'mine' }, '/mine (mine)', undefined],
    ['feeds.urgent', { priority: 1 }, '/now (now)', 1],
    ['toString', {}, '/celery (celery)', undefined],
  ])('of %s with %j leads to %s', (task, call, expected, priority) => {
    expect(text(task, call, { taskRoutes })).toBe(expected)
    expect(whither(task, call, { taskRoutes }).options.priority).toBe(priority)
  })

  it.each<[string, TaskRoutes]>([
    ['a name', { 'web.fetch': 'web' }],
    ['a glob with one free letter', { 'web.fetc?': 'web' }],
    ['a glob with a set of letters', { 'web.[a-g]*': 'web' }],
    [
      'a list, whose first match wins',
      [
        ['web.*', 'web'],
        [/./, 'others'],
      ],
    ],
    ['a regular expression', [[/^web\.(fetch|post)$/, 'web']]],
    ['a function', (task) => (task.startsWith('web') ? 'web' : null)],
    ['the first that answers', [() => null, { 'mail.*': 'mail' }, () => ({ queue: 'web' })]],
  ])('is found by %s', (_how, taskRoutes) => {
    expect(text('web.fetch', {}, { taskRoutes })).toBe('/web (web)')
  })

  it('is found by the arguments', () => {
    const taskRoutes: TaskRoutes = (_task, [first]) => `shard-${Number(first) % 2}`
    expect(text('tasks.add', {}, { taskRoutes })).toBe('/shard-1 (shard-1)')
  })

  it('goes round a direct exchange, unless the call insists on it', () => {
    expect(text('tasks.add', { queue: 'a' }, {})).toBe('/a (a)')
    expect(text('tasks.add', { queue: 'a', exchange: 'x', routingKey: 'k' })).toBe('x/k (a)')
    expect(text('tasks.add', { exchange: 'x', routingKey: 'k' })).toBe('x/k')
    expect(text('tasks.add', { exchange: 'x' })).toBe('x/celery')
  })

  it('goes through the exchange of a queue that has another kind', () => {
    const media = exchange('media', 'topic')
    const taskQueues = [queue('images', { exchange: media, routingKey: 'media.image.#' })]
    expect(text('tasks.scale', { queue: 'images', routingKey: 'media.image.png' }, { taskQueues })).toBe(
      'media/media.image.png (images)',
    )
    expect(whither('tasks.scale', { exchange: 'media', routingKey: 'a' }, { taskQueues }).destination.exchange).toBe(
      media,
    )
  })

  it('to a broadcast queue makes no queue of the sender’s own', () => {
    const settings = { taskQueues: [broadcast('news')], taskRoutes: { 'tasks.reload': { queue: 'news' } } }
    expect(text('tasks.reload', {}, settings)).toBe('news/celery')
    expect(whither('tasks.reload', {}, settings).destination.exchange.type).toBe('fanout')
  })

  it('to the default queue follows its settings', () => {
    const settings = {
      taskDefaultQueue: 'jobs',
      taskDefaultExchange: 'work',
      taskDefaultExchangeType: 'topic',
    } as const
    expect(text('tasks.add', {}, { ...settings, taskDefaultRoutingKey: 'task.any' })).toBe('work/task.any (jobs)')
  })

  it('to a queue that nobody declared is refused where none may be made', () => {
    const settings = { taskQueues: ['a', 'b'], taskDefaultQueue: 'a', taskCreateMissingQueues: false }
    expect(text('tasks.add', { queue: 'b' }, settings)).toBe('/b (b)')
    expect(() => text('tasks.add', { queue: 'c' }, settings)).toThrow("there is no queue 'c'")
  })
})

describe('queues', () => {
  it('have the highest priority of the settings, unless they say their own', () => {
    const queues = new Queues(
      configure({ taskQueues: ['a', queue('b', { maxPriority: 3 })], taskQueueMaxPriority: 10 }),
    )
    expect(['a', 'b', 'c'].map((name) => queues.get(name).maxPriority)).toEqual([10, 3, 10])
    expect(queues.defaults.map(({ name }) => name)).toEqual(['a', 'b'])
  })
})
