import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Cluster, isAlive } from '../../../src/events/cluster.ts'
import type { ReceivedEvent } from '../../../src/events/receiver.ts'
import { recording } from '../../wire/recorded.ts'

const recorded = recording<{ events: ReceivedEvent[] }>('redis/events.json').events

const event = (type: string, fields: Partial<ReceivedEvent> = {}): ReceivedEvent => ({
  ...{ type, hostname: 'w1@box', timestamp: 100, local_received: 100, pid: 1, clock: 1, utcoffset: 0 },
  ...fields,
})

function painted(events: readonly ReceivedEvent[], options = {}): Cluster {
  const cluster = new Cluster(options)
  for (const one of events) cluster.event(one)
  return cluster
}

describe('the picture of a cluster', () => {
  it('is what Celery recorded: who was there, and what became of each task', () => {
    const cluster = painted(recorded)
    expect([...cluster.workers.keys()]).toEqual(['w1@box'])
    expect(cluster.workers.get('w1@box')).toMatchObject({ pid: 22017, freq: 2, swIdent: 'py-celery', processed: 34 })
    const ends = [...cluster.tasks.values()].map(({ name, state }) => [name, state])
    expect(ends).toEqual([
      ['tasks.add', 'SUCCESS'],
      ['tasks.boom', 'FAILURE'],
      ['tasks.flaky', 'SUCCESS'],
      ['tasks.add', 'REVOKED'],
    ])
    expect(cluster.tasks.get('1034e95b-3f29-47c7-9d0d-8e58cc22f7aa')).toMatchObject({
      args: '(2, 3)',
      result: '5',
      queue: 'celery',
      worker: 'w1@box',
      client: 'gen21979@vm',
      runtime: 0.0015614189999269001,
      sent: 1795166855.4025784,
    })
    expect(cluster.taskTypes()).toEqual(['tasks.add', 'tasks.boom', 'tasks.flaky'])
    expect([cluster.eventCount, cluster.taskCount]).toEqual([recorded.length, 5])
  })

  const life = ['sent', 'received', 'started', 'succeeded'].map((subject, i) =>
    event(`task-${subject}`, {
      ...{ uuid: 't', clock: i + 1, timestamp: 100 + i },
      ...(subject === 'sent' && { hostname: 'client@box', queue: 'celery' }),
      ...(subject === 'received' && { name: 'tasks.add', args: '(1, 1)', retries: 0 }),
      ...(subject === 'succeeded' && { result: '2', runtime: 0.5 }),
    }),
  )

  it('is the same in whatever order the events of a task come', () => {
    const inOrder = painted(life).tasks.get('t')
    expect(inOrder).toMatchObject({ state: 'SUCCESS', name: 'tasks.add', result: '2', timestamp: 103, clock: 4 })
    fc.assert(
      fc.property(fc.shuffledSubarray(life, { minLength: life.length }), (shuffled) => {
        expect(painted(shuffled).tasks.get('t')).toEqual(inOrder)
      }),
    )
  })

  it('lets a retry begin anew', () => {
    const again = event('task-received', { uuid: 't', clock: 9, retries: 1 })
    const cluster = painted([...life.slice(0, 3), event('task-retried', { uuid: 't', exception: 'KeyError()' }), again])
    expect(cluster.tasks.get('t')).toMatchObject({ state: 'RECEIVED', retries: 1, exception: 'KeyError()' })
  })

  it('knows states of the task’s own', () => {
    const cluster = painted([...life.slice(0, 3), event('task-progress', { uuid: 't' })])
    expect(cluster.tasks.get('t')?.state).toBe('PROGRESS')
    cluster.event(life[3] ?? event(''))
    expect(cluster.tasks.get('t')?.state).toBe('SUCCESS')
  })

  it('orders tasks by the logical clock, not by the clocks of their hosts', () => {
    const at = (uuid: string, clock: number, timestamp: number, parent_id?: string) =>
      event('task-received', { uuid, clock, timestamp, name: `tasks.${uuid}`, ...(parent_id && { parent_id }) })
    const cluster = painted([at('b', 7, 50), at('a', 3, 99), at('c', 5, 10, 'b')])
    expect(cluster.tasksByTime().map(({ uuid }) => uuid)).toEqual(['b', 'c', 'a'])
    expect(cluster.tasksByType('tasks.a').map(({ uuid }) => uuid)).toEqual(['a'])
    expect(cluster.tasksByWorker('w1@box')).toHaveLength(3)
    expect(cluster.childrenOf('b').map(({ uuid }) => uuid)).toEqual(['c'])
  })

  it('takes a worker for alive for twice its interval', () => {
    const cluster = painted([event('worker-online', { freq: 2 })])
    const names = (now: number) => cluster.aliveWorkers(now).map(({ hostname }) => hostname)
    expect([names(103.9), names(104.1)]).toEqual([['w1@box'], []])
    cluster.event(event('task-started', { uuid: 't', local_received: 110 }))
    expect(names(113)).toEqual(['w1@box'])
  })

  it('says who comes, beats and goes', () => {
    const cluster = new Cluster()
    const how = (type: string) => {
      const change = cluster.event(event(type))
      return change?.what === 'worker' && change.how
    }
    const types = ['worker-heartbeat', 'worker-heartbeat', 'worker-offline', 'worker-online', 'worker-offline']
    expect(types.map(how)).toEqual(['joined', 'beats', 'left', 'joined', 'left'])
    const worker = cluster.workers.get('w1@box')
    expect(worker && isAlive(worker, 100)).toBe(false)
  })

  it('holds no more than it may: what was heard of last', () => {
    const started = (uuid: string) => event('task-started', { uuid, hostname: `${uuid}@box` })
    const cluster = painted([started('a'), started('b'), started('a'), started('c')], { maxTasks: 2, maxWorkers: 2 })
    expect([...cluster.tasks.keys()]).toEqual(['a', 'c'])
    expect([...cluster.workers.keys()]).toEqual(['a@box', 'c@box'])
    const long = painted([event('task-failed', { uuid: 't', traceback: 'x'.repeat(1_000_000) })])
    expect(long.tasks.get('t')?.traceback?.length).toBeLessThan(10_100)
  })

  it('drops what is done when it is told to', () => {
    const cluster = painted([...life, event('task-started', { uuid: 'runs' })])
    cluster.clearTasks()
    expect([...cluster.tasks.keys()]).toEqual(['runs'])
    cluster.clearTasks({ onlyReady: false })
    cluster.forgetWorker('w1@box')
    expect([cluster.tasks.size, cluster.workers.size]).toEqual([0, 0])
  })

  it('survives whatever anyone sends', () => {
    const anything = fc.record(
      {
        type: fc.constantFrom('task-received', 'worker-heartbeat', 'task-failed', 'worker-', 'task', '-', 'task-own'),
        hostname: fc.anything(),
        timestamp: fc.anything(),
        uuid: fc.anything(),
        clock: fc.anything(),
        name: fc.anything(),
        freq: fc.anything(),
        loadavg: fc.anything(),
      },
      { requiredKeys: ['type'] },
    )
    fc.assert(
      fc.property(fc.array(anything), (events) => {
        const cluster = painted(events as ReceivedEvent[])
        expect(cluster.eventCount).toBe(events.length)
        cluster.tasksByTime()
        cluster.aliveWorkers(1)
      }),
    )
  })
})
