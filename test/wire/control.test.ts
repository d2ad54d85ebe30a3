import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Celery } from '../../src/celery.ts'
import { Worker } from '../../src/worker/worker.ts'
import { until } from '../support/wait.ts'
import { recording } from './recorded.ts'

type Recorded = Record<string, { reply: unknown }>

const recorded = recording<Recorded>('redis/remote_control.json')
const celerys = (name: string): unknown => {
  const reply = recorded[name]?.reply
  return (Array.isArray(reply) ? reply[0] : reply)['w1@box']
}

/** What a value is made of: the kinds of its members, and of the first item of a list. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shape)
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shape(member)]))
}

/** The same where only the kinds of things count, not which there are: tasks by name, for example. */
const anyKey = (value: unknown) => shape(Object.values(value as object))

describe('remote control', () => {
  let app: Celery
  let worker: Worker
  const gate = Promise.withResolvers<void>()

  beforeAll(async () => {
    const url = 'memory://wire-control'
    app = new Celery('wire', { brokerUrl: url, resultBackend: url, taskTrackStarted: true })
    app.task('tasks.add', (x: number, y: number) => x + y)
    app.task('tasks.slow', (_seconds: number) => gate.promise)
    worker = new Worker(app, { hostname: 'w1@box', concurrency: 2, taskEvents: true })
    await worker.start()
    await app.sendTask('tasks.add', { args: [2, 3] }).get({ timeout: 5 })
    await app.sendTask('tasks.slow', { args: [6] })
    await app.sendTask('tasks.add', { args: [1, 1], countdown: 300 })
    await app.control.revoke('8d5ed377', { reply: true, limit: 1 })
    await until(() => worker.state.active.size === 1 && worker.state.reserved.size === 2, { describe: 'both tasks' })
  })

  afterAll(async () => {
    gate.resolve()
    await worker.stop()
    await app.close()
  })

  const ask = async (command: string, args: Record<string, unknown> = {}) =>
    (await app.control.broadcast<unknown>(command, args, { reply: true, limit: 1 }))['w1@box']

  it.each(['ping', 'active', 'scheduled', 'reserved', 'revoked', 'active_queues', 'report', 'clock', 'query_task'])(
    'answers with what Celery answers with: inspect %s',
    async (command) => {
      expect(shape(await ask(command))).toEqual(shape(celerys(`inspect ${command}`)))
    },
  )

  it('describes tasks by their attributes', async () => {
    expect(await ask('registered', { taskinfoitems: ['rate_limit', 'name'] })).toEqual([
      'tasks.add [name=tasks.add]',
      'tasks.slow [name=tasks.slow]',
    ])
    expect(await ask('registered', {})).toEqual(['tasks.add', 'tasks.slow'])
    expect(await ask('registered', { builtins: true })).toContain('celery.backend_cleanup')
  })

  it('tells the settings that were given', async () => {
    const settings = await ask('conf', { with_defaults: false })
    expect(settings).toEqual({
      broker_url: app.conf.brokerUrl,
      result_backend: app.conf.resultBackend,
      task_track_started: true,
    })
    const all = await ask('conf', { with_defaults: true })
    expect(all).toMatchObject({ task_default_queue: 'celery' })
  })

  it('tells a new neighbour of revoked tasks, with times that Python takes', async () => {
    const hello = await ask('hello', { from_node: 'w2@box', revoked: { other: [1153.21, 'other'] } })
    expect(anyKey((hello as { revoked: object }).revoked)).toEqual(
      anyKey((celerys('inspect hello') as { revoked: object }).revoked),
    )
    expect(JSON.stringify(hello)).toMatch(/\[\d+\.\d+,"8d5ed377"\]/)
    expect(await ask('revoked')).toEqual(['8d5ed377', 'other'])
  })

  it('tells what the worker is made of', async () => {
    const ours = (await ask('stats')) as Record<string, object>
    const theirs = celerys('inspect stats') as Record<string, object>
    expect(Object.keys(ours)).toEqual(expect.arrayContaining(Object.keys(theirs)))
    expect(shape(ours.rusage)).toEqual(shape(theirs.rusage))
    expect(ours.pool).toMatchObject({ 'max-concurrency': 2, timeouts: [0, 0] })
    expect(Object.keys(theirs.broker ?? {}).filter((key) => !(key in (ours.broker ?? {})))).toEqual([
      'credential_provider',
    ])
    expect([ours.total, typeof ours.clock]).toEqual([{ 'tasks.add': 2, 'tasks.slow': 1 }, 'string'])
    expect(await ask('memsample')).toMatch(/^\d+(\.\d+)?MB$/)
  })

  it('tells where a task is', async () => {
    const [request] = worker.state.active
    const id = request?.message.id ?? ''
    expect(await ask('query_task', { ids: [id, 'unknown'] })).toEqual({
      [id]: ['active', expect.objectContaining({ id })],
    })
  })

  it.each([
    ['rate_limit', { task_name: 'tasks.add', rate_limit: '100/s' }],
    ['time_limit', { task_name: 'tasks.add', soft: 10, hard: 20 }],
    ['add_consumer', { queue: 'extra', exchange: null, exchange_type: 'direct', routing_key: null }],
    ['cancel_consumer', { queue: 'extra' }],
    ['pool_grow', { n: 1 }],
    ['pool_shrink', { n: 1 }],
    ['autoscale', { max: 4, min: 1 }],
    ['pool_restart', {}],
    ['heartbeat', {}],
    ['revoke_by_stamped_headers', { headers: { monitor: 'm1' } }],
    ['terminate', { signal: 'SIGTERM', task_id: ['nope'] }],
    ['enable_events', {}],
  ])('says what Celery says: control %s', async (command, args) => {
    expect(await ask(command, args)).toEqual(celerys(`control ${command}`))
  })

  it('says what Celery says to a command that nobody knows', async () => {
    expect(await ask('no_such')).toEqual(celerys('control unknown_cmd'))
  })

  it.each([
    ['rate_limit', { task_name: 'tasks.none', rate_limit: 1 }, { error: 'unknown task' }],
    [
      'rate_limit',
      { task_name: 'tasks.add', rate_limit: 'often' },
      { error: expect.stringMatching(/^Invalid rate limit string: ValueError/) },
    ],
    ['rate_limit', { task_name: 'tasks.add', rate_limit: 0 }, { ok: 'rate limit disabled successfully' }],
    ['rate_limit', {}, { error: expect.stringMatching(/^TypeError\(.*task_name/) }],
    ['revoke', { task_id: ['a', 'b'] }, { ok: "tasks {'a', 'b'} flagged as revoked" }],
    ['dump_revoked', {}, expect.arrayContaining(['a', 'b'])],
    ['add_consumer', { queue: 'x', exchange: 'x', exchange_type: 'odd' }, { error: expect.stringMatching('odd') }],
  ])('answers %s %j', async (command, args, reply) => {
    expect(await ask(command, args)).toEqual(reply)
  })
})
