import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TaskRequest } from '../../../src/app/context.ts'
import type { TaskHooks } from '../../../src/app/task.ts'
import { Celery } from '../../../src/celery.ts'
import { createLogger, type LogRecord } from '../../../src/log.ts'
import { taskQueue } from '../../../src/protocol/entity.ts'
import type { Message } from '../../../src/protocol/message.ts'
import { type TaskMessage, taskMessage } from '../../../src/protocol/task-message.ts'
import { trace } from '../../../src/trace/trace.ts'

let app: Celery
let records: LogRecord[]

beforeEach(() => {
  const url = `memory://trace-${randomUUID()}`
  app = new Celery('test', { brokerUrl: url, resultBackend: url })
  records = []
})

afterEach(() => app.close())

async function run(task: string, given: Partial<TaskMessage> = {}) {
  const deliveryInfo = { exchange: '', routingKey: 'celery', priority: 0, redelivered: false }
  const message = taskMessage({ task, id: 'a1', ...given })
  const request: TaskRequest = { ...message, hostname: 'w1@test', deliveryInfo }
  const log = createLogger((record) => records.push(record))
  const environment = { app, backend: await app.backend(), log, sendEvent: () => {} }
  return trace(request, new AbortController().signal, environment)
}

/** What waits in the default queue. */
async function sent(): Promise<Message[]> {
  const transport = await app.transport()
  const messages: Message[] = []
  const all = Promise.withResolvers<void>()
  const left = await transport.size('celery')
  if (left === 0) return []
  const consumer = await transport.consume([taskQueue('celery')], ({ message, ack }) => {
    void ack()
    if (messages.push(message) === left) all.resolve()
  })
  await all.promise
  await consumer.cancel()
  return messages
}

function noting(notes: unknown[]): TaskHooks {
  return {
    beforeStart: (self) => notes.push(['beforeStart', self.request.id]),
    onSuccess: (_self, value) => notes.push(['onSuccess', value]),
    onFailure: (_self, error) => notes.push(['onFailure', error]),
    onRetry: (_self, error) => notes.push(['onRetry', error]),
    afterReturn: (_self, state, result) => notes.push(['afterReturn', state, result]),
  }
}

describe('hooks', () => {
  const error = new Error('boom')
  const cases = {
    success: [
      () => 8,
      [
        ['onSuccess', 8],
        ['afterReturn', 'SUCCESS', 8],
      ],
    ],
    failure: [
      () => {
        throw error
      },
      [
        ['onFailure', error],
        ['afterReturn', 'FAILURE', error],
      ],
    ],
  } as const
  it.each(Object.entries(cases))('surround a %s', async (_name, [fn, expected]) => {
    const notes: unknown[] = []
    app.task('tasks.watched', fn as () => number, noting(notes))
    await run('tasks.watched')
    expect(notes).toEqual([['beforeStart', 'a1'], ...expected])
  })

  it('surround a retry', async () => {
    const notes: unknown[] = []
    app.task('tasks.watched', (self) => self.retry({ exc: error, countdown: 0 }), { bind: true, ...noting(notes) })
    await run('tasks.watched')
    expect(notes).toEqual([
      ['beforeStart', 'a1'],
      ['onRetry', error],
      ['afterReturn', 'RETRY', error],
    ])
  })

  it('that fail are told in the log, and change nothing', async () => {
    const onSuccess = () => {
      throw new Error('the hook broke')
    }
    app.task('tasks.add', (x: number, y: number) => x + y, { onSuccess })
    expect(await run('tasks.add', { args: [4, 4] })).toMatchObject({ state: 'SUCCESS', value: 8 })
    expect(records.map(({ message }) => message)).toEqual([
      'the hook onSuccess of tasks.add[a1] failed: the hook broke',
    ])
  })

  it('that fail before the start fail the task', async () => {
    const beforeStart = () => {
      throw new Error('not today')
    }
    app.task('tasks.add', (x: number, y: number) => x + y, { beforeStart })
    expect(await run('tasks.add', { args: [4, 4] })).toMatchObject({ state: 'FAILURE' })
  })
})

describe('a task that is retried by itself', () => {
  const options = { autoretryFor: [TypeError], maxRetries: 2, retryBackoff: 3, retryJitter: false }
  const unreachable = () => {
    throw new TypeError('unreachable')
  }

  it('is sent again, later each time', async () => {
    app.task('tasks.fetch', unreachable, options)
    expect(await run('tasks.fetch', { retries: 1 })).toMatchObject({ state: 'RETRY', inMs: 6_000 })
    expect(await sent()).toMatchObject([{ headers: { id: 'a1', retries: 2 } }])
  })

  it('ends with its own error when it has been tried enough', async () => {
    app.task('tasks.fetch', unreachable, options)
    expect(await run('tasks.fetch', { retries: 2 })).toMatchObject({
      state: 'FAILURE',
      error: { info: { exc_type: 'TypeError', exc_message: ['unreachable'] } },
    })
  })
})

describe('what comes after the function', () => {
  it('does not make it run again', async () => {
    let runs = 0
    const unsendable = () => {
      runs += 1
      return { f: () => 1 }
    }
    app.task('tasks.odd', unsendable, { autoretryFor: [Error], maxRetries: 3 })
    expect(await run('tasks.odd')).toMatchObject({ state: 'FAILURE' })
    expect([runs, await sent()]).toEqual([1, []])
  })

  it('does not keep a failure from its caller, even if the error callback cannot be sent', async () => {
    app.task('tasks.boom', () => {
      throw new Error('boom')
    })
    const link = { task: 'log', args: [], kwargs: {}, options: { serializer: 'pickle' }, subtask_type: null } as const
    expect(await run('tasks.boom', { errbacks: [{ ...link, args: [], immutable: false }] })).toMatchObject({
      state: 'FAILURE',
      error: { info: { exc_message: ['boom'] } },
    })
    expect(await app.asyncResult('a1').state()).toBe('FAILURE')
    expect(records.map(({ message }) => message)).toEqual([
      expect.stringContaining("an error callback of tasks.boom[a1] failed: content of type 'pickle' is refused"),
    ])
  })
})

describe('a task that another replaces', () => {
  it('leaves its id, its place and those who wait for it to the other', async () => {
    const add = app.task('tasks.add', (x: number, y: number) => x + y)
    const replaced: unknown[] = []
    app.task('tasks.start', (self) => self.replace(add.s(2, 2)), {
      bind: true,
      onReplace: (_self, replacement) => replaced.push(String(replacement)),
    })
    const link = { task: 'tasks.log', args: [], kwargs: {}, options: {}, subtask_type: null, immutable: false } as const
    const waiting = {
      callbacks: [{ ...link, args: [] }],
      group: 'g1',
      groupIndex: 3,
      rootId: 'r1',
      parentId: 'p1',
      replyTo: 'caller',
    }
    expect(await run('tasks.start', waiting)).toEqual({ state: 'IGNORED' })
    expect(replaced).toEqual(['tasks.add(2, 2)'])
    const [message] = await sent()
    expect(message).toMatchObject({
      properties: { replyTo: 'caller' },
      headers: {
        task: 'tasks.add',
        ...{ id: 'a1', root_id: 'r1', parent_id: 'a1', group: 'g1', group_index: 3, replaced_task_nesting: 1 },
      },
    })
    expect(JSON.parse(String(message?.body && Buffer.from(message.body)))).toMatchObject([
      [2, 2],
      {},
      { callbacks: [{ task: 'tasks.log' }] },
    ])
  })
})
