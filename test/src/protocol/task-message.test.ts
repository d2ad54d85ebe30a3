import { describe, expect, it } from 'vitest'
import type { Message } from '../../../src/protocol/message.ts'
import { decodeTask, encodeTask, taskMessage } from '../../../src/protocol/task-message.ts'

const full = taskMessage({
  task: 'tasks.add',
  id: 'a1',
  args: [1, 'ö'],
  kwargs: { z: [true] },
  eta: new Date('2030-01-01T00:00:00.123Z'),
  expires: new Date('2031-01-01T00:00:00Z'),
  group: 'g1',
  groupIndex: 3,
  retries: 2,
  timeLimit: 30,
  softTimeLimit: 20,
  parentId: 'p1',
  shadow: 'nice',
  ignoreResult: true,
  stampedHeaders: ['tenant'],
  stamps: { tenant: 'acme' },
  headers: { 'x-own': 1 },
  chain: [{ task: 'tasks.mul', args: [2], kwargs: {}, options: {}, subtask_type: null, immutable: false }],
  priority: 5,
})

describe('a task message', () => {
  it('is read as it was written', () => {
    const { replyTo, ...read } = decodeTask(encodeTask(full, 0))
    expect(read).toEqual({ ...full, replyTo: undefined })
    expect(replyTo).toBeNull()
  })

  it('puts the hard time limit first', () => {
    expect(encodeTask(full, 0).headers.timelimit).toEqual([30, 20])
  })

  it('tells the broker how long it may wait', () => {
    const expires = new Date(60_000)
    expect(encodeTask(taskMessage({ task: 't', id: 'i', expires }), 0).properties.expiration).toBe('60000')
    expect(encodeTask(taskMessage({ task: 't', id: 'i', expires }), 90_000).properties.expiration).toBe('0')
  })

  it('needs no more than task, id and a body of three', () => {
    const read = decodeTask(raw({ task: 't', id: 'i' }, [[1], {}, null]))
    expect(read).toMatchObject({
      task: 't',
      id: 'i',
      args: [1],
      retries: 0,
      rootId: 'i',
      argsrepr: '(1,)',
      chain: null,
    })
  })

  it('of version 1 has everything in its body', () => {
    const body = {
      task: 't',
      id: 'i',
      args: [1],
      kwargs: { y: 2 },
      retries: 3,
      eta: '2030-01-01T00:00:00',
      taskset: 'g',
    }
    const link = { task: 'next', args: [], kwargs: {}, options: {}, subtask_type: null, immutable: false }
    const more = { timelimit: [30, null], callbacks: [link], errbacks: null, utc: true, expires: null, chord: null }
    expect(decodeTask(raw({}, { ...body, ...more }))).toEqual({
      ...taskMessage({ task: 't', id: 'i', args: [1], kwargs: { y: 2 } }),
      ...{ retries: 3, eta: new Date('2030-01-01T00:00:00Z'), group: 'g', timeLimit: 30, callbacks: [link] },
    })
  })

  it.each([
    [{}, { id: 'i', args: [] }, 'the header `task` is missing'],
    [{}, { task: 't', args: [] }, 'the header `id` is missing'],
    [{}, { task: 't', id: 'i', eta: 'soon' }, 'the header `eta` is not an ISO 8601 time'],
    [{ id: 'i' }, [[], {}, {}], 'the header `task` is missing'],
    [{ task: 't' }, [[], {}, {}], 'the header `id` is missing'],
    [{ task: 't', id: null }, [[], {}, {}], 'the header `id` is missing'],
    [{ task: 't', id: 'i' }, [1], 'the body is not [args, kwargs, embed]'],
    [{ task: 't', id: 'i' }, { args: [] }, 'the body is not [args, kwargs, embed]'],
    [{ task: 't', id: 'i' }, [{}, {}, {}], 'args is not a list'],
    [{ task: 't', id: 'i' }, [[], [], {}], 'kwargs is not an object'],
    [{ task: 't', id: 'i', timelimit: 'x' }, [[], {}, {}], 'the header `timelimit` is not [hard, soft] in seconds'],
    [{ task: 't', id: 'i', eta: 'soon' }, [[], {}, {}], 'the header `eta` is not an ISO 8601 time'],
    [{ task: 't', id: 'i', retries: '1' }, [[], {}, {}], 'the header `retries` is not a number'],
    [{ task: 't', id: 'i' }, [[], {}, { callbacks: [1] }], 'a callback is not a signature'],
  ])('that is malformed says how: %j %j', (headers, body, problem) => {
    expect(() => decodeTask(raw(headers, body))).toThrow(problem)
  })

  it('of another content type is refused by name', () => {
    const message = { ...raw({ task: 't', id: 'i' }, null), contentType: 'application/x-python-serialize' }
    expect(() => decodeTask(message)).toThrow("'application/x-python-serialize' is refused (accepted here: json)")
  })
})

function raw(headers: Record<string, unknown>, body: unknown): Message {
  return {
    headers,
    properties: { deliveryMode: 2, priority: 0 },
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    body: Buffer.from(JSON.stringify(body)),
  }
}
