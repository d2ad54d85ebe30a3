import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Celery } from '../../src/celery.ts'
import { defaultExchange } from '../../src/protocol/entity.ts'
import type { Message } from '../../src/protocol/message.ts'
import { type SignatureData, signatureData } from '../../src/protocol/signature-data.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { Worker } from '../../src/worker/worker.ts'
import { until } from '../support/wait.ts'

export interface Place {
  brokerUrl: string
  resultBackend: string
}

/**
 * Whatever stands in a queue, a worker lives on, the message can be looked at afterwards, and its caller, if it has
 * one, hears of it. Most of these end a Python worker, or are lost by it.
 */
export function survivesBrokenMessages(place: () => Promise<Place>, { fuzzRuns }: { fuzzRuns: number }): void {
  let app: Celery
  let worker: Worker
  let transport: Transport

  beforeAll(async () => {
    app = new Celery('broken', { ...(await place()), taskDefaultQueue: `broken.${randomUUID()}` })
    app.task('tasks.add', (x: number, y: number) => x + y)
    worker = new Worker(app, { hostname: `w-${randomUUID()}@test` })
    await worker.start()
    transport = await app.transport()
  })
  afterAll(async () => {
    await worker.stop()
    await app.close()
  })

  const publish = (message: Message) => transport.publish(message, defaultExchange, app.conf.taskDefaultQueue)
  const stillWorks = () => app.sendTask<number>('tasks.add', { args: [20, 22] }).get({ timeout: 10 })
  const letterOf = (id: string) =>
    until(async () => (await transport.deadLetters()).find(({ headers }) => headers.id === id), {
      describe: `a dead letter of ${id}`,
    })

  describe('a worker that meets', () => {
    for (const [what, { message, reason, failure }] of Object.entries(broken)) {
      it(`${what} goes on, keeps it and tells the caller`, async () => {
        const id = randomUUID()
        await publish(message(id))
        const letter = await letterOf(id)
        expect(letter.reason).toMatch(reason)
        expect(letter.queue).toBe(app.conf.taskDefaultQueue)
        await expect(app.asyncResult(id).get({ timeout: 10 })).rejects.toMatchObject(failure)
        expect(await stillWorks()).toBe(42)
      })
    }

    for (const [what, headers] of Object.entries(anonymous)) {
      it(`${what} goes on and keeps it`, async () => {
        const body = Buffer.from(JSON.stringify([[randomUUID()], {}, null]))
        await publish({ ...task('', {}), headers, body })
        const isOurs = (raw: Uint8Array) => {
          const text = Buffer.from(raw).toString()
          return text.includes(body.toString()) || text.includes(body.toString('base64'))
        }
        const letter = await until(async () => (await transport.deadLetters()).find(({ raw }) => isOurs(raw)), {
          describe: 'the dead letter',
        })
        expect(letter.reason).toMatch(/header `(task|id)` is/)
        expect(await stillWorks()).toBe(42)
      })
    }

    it('keys that JavaScript is touchy about runs the task as Python would', async () => {
      const id = randomUUID()
      const body = `[[1], {"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}, null]`
      await publish({ ...task(id, {}), body: Buffer.from(body) })
      await expect(app.asyncResult(id).get({ timeout: 10 })).rejects.toMatchObject({ name: 'TypeError' })
      expect(Reflect.get({}, 'polluted')).toBeUndefined()
      expect(await stillWorks()).toBe(42)
    })

    it('a body of 50 megabytes carries it out', async () => {
      const id = randomUUID()
      const body = JSON.stringify([['x'.repeat(50 * 1024 * 1024), 1], {}, null])
      await publish({ ...task(id, { argsrepr: '(…)', ignore_result: true }), body: Buffer.from(body) })
      expect(await stillWorks()).toBe(42)
    })

    it('anything at all goes on', async () => {
      await fc.assert(
        fc.asyncProperty(anyMessage, async (message) => {
          await publish(message).catch((error) => expect(error).toMatchObject({ code: 'ENCODE_ERROR' }))
        }),
        { numRuns: fuzzRuns },
      )
      expect(await stillWorks()).toBe(42)
      await until(async () => (await transport.size(app.conf.taskDefaultQueue)) === 0, { describe: 'an empty queue' })
      await until(() => worker.state.reserved.size === 0, { describe: 'the worker to have nothing in hand' })
    })
  })
}

interface Broken {
  message: (id: string) => Message
  reason: RegExp
  failure: object
}

const body = (text: string | Uint8Array, reason: RegExp, changes: Partial<Message> = {}): Broken => ({
  message: (id) => ({ ...task(id, {}), body: Buffer.from(text), ...changes }),
  reason,
  failure: { name: expect.stringMatching(/^(DecodeError|ContentDisallowed|CeleryError)$/) },
})

const header = (headers: Record<string, unknown>, reason: RegExp): Broken => ({
  message: (id) => task(id, headers),
  reason,
  failure: { name: expect.stringMatching(/^(DecodeError|ContentDisallowed|CeleryError)$/) },
})

const add = (...args: number[]) => signatureData('tasks.add', args)

const composed = (type: 'chain' | 'group' | 'chord', kwargs: Record<string, unknown>) =>
  signatureData(`celery.${type}`, [], { kwargs, subtask_type: type })

const workflow = (embed: object, reason: RegExp): Broken => body(`[[1, 2], {}, ${JSON.stringify(embed)}]`, reason)

/** One in the next, 10,000 of them: nobody writes that but as text. */
function tower(name: 'chain' | 'chord' | 'errbacks', around: (inner: unknown) => SignatureData): Broken {
  const [open = '', close = ''] = JSON.stringify(around('@')).split('"@"')
  const whole = open.repeat(10_000) + JSON.stringify(add()) + close.repeat(10_000)
  return body(`[[1, 2], {}, {"${name}": ${name === 'chord' ? whole : `[${whole}]`}}]`, /more than 1000 levels/)
}

const broken: Record<string, Broken> = {
  'a body that is an object': body('{}', /body is not \[args, kwargs, embed\]/),
  'a body of one element': body('[1]', /body is not \[args, kwargs, embed\]/),
  'a body that is a number': body('42', /body is not \[args, kwargs, embed\]/),
  'a body that is not JSON': body('{{{', /message body is not application\/json/),
  'a body that is not UTF-8': body(Uint8Array.of(0xff, 0xfe), /message body is not application\/json/),
  'an empty body': body('', /message body is not application\/json/),
  'a body nested beyond the stack': body(
    `[[${'['.repeat(100_000)}NaN${']'.repeat(100_000)}], {}, null]`,
    /message body/,
  ),
  'arguments that are no list': body('["ab", {}, null]', /args is not a list/),
  'keyword arguments that are a list': body('[[], [1], null]', /kwargs is not an object/),
  'callbacks that are no signatures': body('[[], {}, {"callbacks": [1]}]', /callback is not a signature/),
  'callbacks that are no list': body('[[], {}, {"callbacks": {}}]', /callbacks are not a list/),
  'a chord that is no signature': body('[[], {}, {"chord": "x"}]', /callback is not a signature/),
  'a chain with something else in it': workflow(
    { chain: [composed('chain', { tasks: [7] })] },
    /a part of a workflow is no signature/,
  ),
  'a group of nothing that is known': workflow({ callbacks: [composed('group', {})] }, /no signature/),
  'a chord without a body': workflow({ chain: [composed('chord', { header: [add()] })] }, /a chord has no body/),
  'a chord whose body is a number': workflow({ chord: composed('chord', { header: [], body: 3 }) }, /has no body/),
  'chains inside chains, 10,000 of them': tower('chain', (inner) => composed('chain', { tasks: [inner] })),
  'chords inside chords, 10,000 of them': tower('chord', (body) => composed('chord', { header: [add()], body })),
  'error links of error links, 10,000 of them': tower('errbacks', (inner) => ({
    ...add(),
    options: { link_error: [inner] },
  })),
  'a pickle': body('x', /application\/x-python-serialize/, { contentType: 'application/x-python-serialize' }),
  'content of no type': body('[[], {}, null]', /content of type ''/, { contentType: '' }),
  'a compression that nobody knows': header({ compression: 'application/x-none' }, /compression 'application\/x-none'/),
  'a body that is not compressed as it says': header(
    { compression: 'application/x-gzip' },
    /is not application\/x-gzip/,
  ),
  'a time limit in letters': header({ timelimit: 'x' }, /`timelimit`/),
  'an eta that is no time': header({ eta: 'tomorrow' }, /`eta`/),
  'an eta that is a number': header({ eta: 12 }, /`eta`/),
  'an expiry that is no time': header({ expires: 'never' }, /`expires`/),
  'retries in letters': header({ retries: 'many' }, /`retries`/),
  'a group that is a list': header({ group: [] }, /`group`/),
  'stamps that are a number': header({ stamped_headers: 3 }, /`stamped_headers`/),
  'no task name': header({ task: null }, /`task` is missing/),
  'a task name that is an object': header({ task: { a: 1 } }, /`task` is not a string/),
  'a task that nobody registered': {
    message: (id) => task(id, { task: 'tasks.unheard' }),
    reason: /NotRegistered: tasks\.unheard/,
    failure: { name: 'NotRegistered', message: 'tasks.unheard' },
  },
}

/** Messages that name no caller. */
const anonymous: Record<string, Record<string, unknown>> = {
  'no headers': {},
  'an id that is null': { task: 'tasks.add', id: null },
  'an id that is a number': { task: 'tasks.add', id: 7 },
}

function task(id: string, headers: Record<string, unknown>): Message {
  return {
    headers: { task: 'tasks.add', id, ...headers },
    properties: { deliveryMode: 2, priority: 0, correlationId: id },
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    body: Buffer.from('[[1, 2], {}, null]'),
  }
}

const anyText = fc.string({ maxLength: 20 })
const anyValue = fc.jsonValue({ maxDepth: 3 })

const anyHeaders = fc.oneof(
  fc.record(
    {
      task: fc.oneof(fc.constantFrom('tasks.add', 'tasks.unheard'), anyValue),
      id: fc.oneof(fc.uuid(), anyValue),
      eta: fc.oneof(fc.constant('2020-01-01T00:00:00'), anyText, anyValue),
      expires: fc.oneof(anyText, anyValue),
      timelimit: anyValue,
      retries: anyValue,
      group: anyValue,
      stamps: anyValue,
      stamped_headers: anyValue,
      compression: fc.oneof(fc.constantFrom('application/x-gzip', 'application/zstd'), anyText),
      argsrepr: anyValue,
      ignore_result: anyValue,
    },
    { requiredKeys: [] },
  ),
  fc.dictionary(fc.string({ maxLength: 10 }), anyValue),
)

const anyBody = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  anyValue.map((value) => Buffer.from(JSON.stringify(value))),
  fc.tuple(fc.array(anyValue), anyValue, anyValue).map((parts) => Buffer.from(JSON.stringify(parts))),
)

const anyMessage: fc.Arbitrary<Message> = fc.record({
  headers: anyHeaders,
  properties: fc.record({
    deliveryMode: fc.constantFrom(1, 2),
    priority: fc.integer({ min: 0, max: 255 }),
    correlationId: anyText,
    replyTo: anyText,
  }),
  contentType: fc.oneof(fc.constantFrom('application/json', 'application/x-yaml', 'application/data'), anyText),
  contentEncoding: fc.constantFrom('utf-8', 'binary', 'latin-9'),
  body: anyBody,
})
