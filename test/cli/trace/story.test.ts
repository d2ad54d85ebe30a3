import { describe, expect, it } from 'vitest'
import { createPaint } from '../../../cli/output/paint.ts'
import type { Facts, Held } from '../../../cli/trace/facts.ts'
import { newsAfter } from '../../../cli/trace/follow.ts'
import { moment, momentOfEvent, momentsOfLine, momentText } from '../../../cli/trace/moment.ts'
import { graphText } from '../../../cli/trace/relatives.ts'
import { storyOf, taskText } from '../../../cli/trace/story.ts'
import type { ReceivedEvent, RequestInfo } from '../../../src/index.ts'
import { resultMeta } from '../../../src/protocol/result-meta.ts'
import { signatureData } from '../../../src/protocol/signature-data.ts'
import { taskMessage } from '../../../src/protocol/task-message.ts'

const id = '8148dd9f'
const nothing: Facts = {
  ...{
    id,
    result: undefined,
    messages: [],
    held: [],
    revokedBy: [],
    letters: [],
    log: [],
    gaps: [],
    unseen: undefined,
  },
}
const call = taskMessage({ task: 'tasks.add', id, args: [2, 3], origin: 'gen7@web1' })
const waiting = { queue: 'celery', routingKey: 'celery', ahead: 3, depth: 10, call }
const request: RequestInfo = {
  ...{ id, name: 'tasks.add', args: [2, 3], kwargs: {}, type: 'tasks.add', hostname: 'w1@box' },
  ...{ time_start: null, acknowledged: false, worker_pid: null },
  delivery_info: { exchange: '', routing_key: 'celery', priority: 0, redelivered: false },
}
const held = (place: Held['place'], rest: Partial<Held> = {}): Held => ({ node: 'w1@box', place, request, ...rest })
const line = (seconds: number, text: string) => ({
  ...{ type: 'log' as const, service: 'worker', container: 'shop-worker-1', stream: 'stdout' as const },
  ...{ time: `2026-11-20T10:00:0${seconds}.000000001Z`, text: `[2026-11-20 10:00:00,123: INFO/MainProcess] ${text}` },
})
const meta = (given: Partial<Parameters<typeof resultMeta>[0]>) =>
  resultMeta({ task_id: id, status: 'SUCCESS', ...given }, Date.UTC(2026, 10, 20, 10, 0, 5))

const paint = createPaint(false)

function told(facts: Partial<Facts>): string {
  const story = storyOf({ ...nothing, ...facts })
  if (!story) return 'unknown'
  return [taskText(story.task, paint), ...story.moments.map((one) => momentText(one, paint))].join('\n')
}

describe('the story of a task', () => {
  it('is unknown of an id that nobody sent, whatever lines it stands in, and whoever would not run it', () => {
    const log = [line(0, `no such order: ${id}`)]
    expect(told({})).toBe('unknown')
    expect(told({ log, revokedBy: ['w1@box'], gaps: ['the workers: none answered'] })).toBe('unknown')
  })

  it('tells where it waits, and all that its message says', () => {
    const step = (task: string) => signatureData(task, [8])
    const long = taskMessage({
      ...call,
      ...{ eta: new Date(Date.UTC(2027, 0, 1)), expires: new Date(Date.UTC(2027, 0, 2)), retries: 2, group: 'g1' },
      ...{ chain: [step('tasks.last'), step('tasks.mul')], chord: step('tasks.sum'), errbacks: [step('tasks.mourn')] },
    })
    expect(told({ messages: [{ ...waiting, call: long }] })).toBe(`\
tasks.add(2, 3)
  id          8148dd9f
  state       PENDING
  eta         2027-01-01T00:00:00.000Z
  expires     2027-01-02T00:00:00.000Z
  retries     2
  then        tasks.mul(8) | tasks.last(8)
  part of     group g1
  chord       tasks.sum(8)
  on failure  tasks.mourn(8)

  -                         sent           (gen7@web1)
  now                       waits          in celery, routing key celery: 3 before it, 10 in all`)
  })

  it('tells who runs it since when', () => {
    const running = { ...request, time_start: Date.UTC(2026, 10, 20, 10) / 1000 + 0.5, worker_pid: 42 }
    const messages = [{ ...waiting, ahead: undefined }]
    expect(
      told({ held: [held('running', { request: running })], messages, result: meta({ status: 'STARTED' }) }),
    ).toBe(`\
tasks.add(2, 3)
  id          8148dd9f
  state       STARTED

  -                         sent           (gen7@web1)
  -                         queued         in celery, routing key celery
  2026-11-20T10:00:00.500Z  started        process 42  (w1@box)`)
  })

  it.each([
    [held('waiting'), 'held           until there is a place for it  (w1@box)'],
    [
      held('scheduled', { eta: '2027-01-01T01:00:00+01:00' }),
      'scheduled      until 2027-01-01T00:00:00.000Z  (w1@box)',
    ],
  ])('tells that a worker holds it: %#', (one, text) => {
    expect(told({ held: [one] })).toBe(
      [
        'tasks.add(2, 3)\n  id          8148dd9f\n  state       RECEIVED\n',
        '  -                         queued         routing key celery',
        `  now                       ${text}`,
      ].join('\n'),
    )
  })

  it('tells the way to its result from the logs of the workers, each line once', () => {
    const label = `tasks.add[${id}]`
    const log = [
      line(1, `Task ${label} received`),
      line(2, `${label}: trying`),
      line(3, `Task ${label} retry: Retry in 1s: Error('not yet')`),
      line(4, `Task ${label} received  ETA:[2026-11-20T10:00:04.000Z]`),
      line(5, `Task ${label} succeeded in 0.1s: 5`),
    ]
    const way = [
      '  2026-11-20T10:00:01.000Z  received       (shop-worker-1)',
      `  2026-11-20T10:00:02.000Z  logged         ${log[1]?.text}  (shop-worker-1)`,
      "  2026-11-20T10:00:03.000Z  retried        Error('not yet')  (shop-worker-1)".replace(
        'Error',
        'Retry in 1s: Error',
      ),
      '  2026-11-20T10:00:04.000Z  received       ETA:[2026-11-20T10:00:04.000Z]  (shop-worker-1)',
      '  2026-11-20T10:00:04.900Z  started        ran for 0.1 s  (shop-worker-1)',
    ]
    const story = (end: string) =>
      ['tasks.add\n  id          8148dd9f\n  state       SUCCESS\n', ...way, end].join('\n')
    expect(told({ log, result: meta({ result: 5 }) })).toBe(
      story('  2026-11-20T10:00:05.000Z  succeeded      5  (shop-worker-1)'),
    )
    // The result has expired.
    expect(told({ log })).toBe(told({ log, result: meta({ result: 5 }) }))
  })

  it.each([
    [
      { status: 'FAILURE', result: { exc_type: 'ValueError', exc_message: ['no'], exc_module: 'builtins' } },
      "failed         ValueError('no')",
    ],
    [
      { status: 'REVOKED', result: { exc_type: 'TaskRevokedError', exc_message: ['revoked'], exc_module: 'c' } },
      "revoked        TaskRevokedError('revoked')",
    ],
    [{ status: 'SUCCESS', result: 'a\nb\x1b[2J' }, "succeeded      'a\\nb\\x1b[2J'"],
  ])('tells its end as it is stored: %#', (given, text) => {
    const [, moments] = told({
      result: meta({ ...given, name: 'tasks.add', args: [2, 3], kwargs: {} }),
      revokedBy: ['w1@box'],
    }).split('\n\n')
    expect(moments).toBe(`  2026-11-20T10:00:05.000Z  ${text}`)
  })

  it('does not begin before it came, however late its line was written', () => {
    const log = [line(4, `Task tasks.add[${id}] received`), line(4, `Task tasks.add[${id}] succeeded in 0.5s: 5`)]
    expect(storyOf({ ...nothing, log })?.moments.map(({ what }) => what)).toEqual(['received', 'started', 'succeeded'])
  })

  it('does not begin after it ended, however late its end was logged', () => {
    const log = [line(4, `Task tasks.add[${id}] received`), line(6, `Task tasks.add[${id}] succeeded in 0.1s: 5`)]
    const result = meta({ result: 5 })
    expect(storyOf({ ...nothing, log, result })?.moments.map(({ what }) => what)).toEqual([
      'received',
      'started',
      'succeeded',
    ])
  })

  it('tells a state of its own making, and what is to become of it', () => {
    expect(told({ result: meta({ status: 'PROGRESS', result: { done: 3 } }), revokedBy: ['w2@box'] })).toBe(`\
a task of a name that nobody says
  id          8148dd9f
  state       PROGRESS

  -                         state          PROGRESS {'done': 3}
  now                       unwanted       revoked: this worker will not run it  (w2@box)`)
  })

  it('tells why it was put aside, and how it was called', () => {
    const headers = { id, task: 'tasks.gone', argsrepr: '(1,)', kwargsrepr: '{}', origin: 'gen7@web1' }
    const letters = [
      {
        reason: 'NotRegistered: tasks.gone',
        time: '2026-11-20T10:00:01Z',
        queue: 'celery',
        headers,
        raw: new Uint8Array(),
      },
    ]
    expect(told({ letters })).toBe(`\
tasks.gone (1,) {}
  id          8148dd9f
  state       REJECTED

  -                         sent           (gen7@web1)
  2026-11-20T10:00:01.000Z  dead-lettered  NotRegistered: tasks.gone (from celery)`)
  })

  it('tells that somebody took it who does not answer, and that it cannot be read', () => {
    const broken = { ...waiting, ahead: undefined, call: new Error('the body is no JSON') }
    expect(told({ messages: [broken] })).toContain(`\
  now                       taken          in celery, routing key celery, and not acknowledged; by whom nobody says
  now                       unreadable     the body is no JSON`)
  })

  it('cannot be forged by what stands in a message', () => {
    const evil = taskMessage({ ...call, task: 'x\n  now  succeeded\x1b[2J', origin: '\u202egen' })
    expect(told({ messages: [{ ...waiting, call: evil }] })).toMatch(/^x\\n {2}now {2}succeeded\(2, 3\)\n/)
    expect(told({ messages: [{ ...waiting, call: evil }] })).not.toMatch(/[\x1b\u202e]/)
  })
})

describe('a line of a log', () => {
  it('is about a task only if its whole id stands there', () => {
    expect(momentsOfLine(line(1, 'Task tasks.add[8148dd9f0] received'), id)).toEqual([])
    expect(momentsOfLine(line(1, 'Task tasks.add[x-8148dd9f] received'), id)).toEqual([])
  })

  it('is a record of a worker that logs as JSON', () => {
    const text = JSON.stringify({ type: 'log', message: 'adding', hostname: 'w1@box', taskId: id })
    expect(momentsOfLine({ ...line(1, ''), text }, id)).toMatchObject([
      { what: 'logged', by: 'w1@box', detail: 'adding' },
    ])
  })

  it('says in which words a revoked task was discarded', () => {
    expect(momentsOfLine(line(1, `Discarding revoked task: tasks.add[${id}]`), id)).toMatchObject([{ what: 'revoked' }])
  })
})

describe('what is heard while one listens', () => {
  const event = (type: string, fields: Partial<ReceivedEvent> = {}) =>
    momentOfEvent({ type, hostname: 'w1@box', timestamp: 1, uuid: id, ...fields } as ReceivedEvent) ?? moment('state')

  it('is told once, whether by events or by results, and again after a retry', () => {
    const isNews = newsAfter([moment('received')])
    const heard = [
      ['events', event('task-received'), false],
      ['events', event('task-started'), true],
      ['results', moment('started'), false],
      ['results', moment('state', { detail: 'PROGRESS 1' }), true],
      ['results', moment('state', { detail: 'PROGRESS 1' }), false],
      ['results', moment('state', { detail: 'PROGRESS 2' }), true],
      ['events', event('task-retried', { exception: 'E()' }), true],
      ['results', moment('retried', { detail: 'E()' }), false],
      ['events', event('task-received'), true],
      ['results', moment('retried', { detail: 'E()' }), false],
      ['events', event('task-succeeded', { result: '5' }), true],
    ] as const
    expect(heard.map(([from, moment]) => isNews({ from, moment }))).toEqual(heard.map(([, , news]) => news))
  })

  it('is told by results alone where no events come', () => {
    const isNews = newsAfter([moment('waits')])
    const heard = ['retried', 'retried', 'succeeded'] as const
    expect(heard.map((what, at) => isNews({ from: 'results', moment: moment(what, { detail: String(at) }) }))).toEqual([
      ...[true, true, true],
    ])
  })

  it('does not take a rejected task for ended that goes back to its queue', () => {
    expect(event('task-rejected', { requeue: true }).what).toBe('queued')
    expect(event('task-rejected', { requeue: false }).what).toBe('rejected')
  })
})

it('its tree marks the task, and shows nothing of one that stands alone', () => {
  const node = (id: string) => ({ id, name: undefined, state: 'SUCCESS' })
  const nodes = [node('a'), node(id)]
  expect(graphText({ type: 'graph', id, nodes, edges: [['a', id]] }, paint)).toBe(
    `\n  a SUCCESS\n  └─ ${id} SUCCESS  ← this one`,
  )
  expect(graphText({ type: 'graph', id, nodes: [node(id)], edges: [] }, paint)).toBeUndefined()
})
