import { afterEach, describe, expect, it } from 'vitest'
import type { Settings } from '../../../src/app/config.ts'
import { mostKept } from '../../../src/backend/rpc.ts'
import { Celery } from '../../../src/celery.ts'
import { defaultExchange, transientQueue } from '../../../src/protocol/entity.ts'
import type { Message } from '../../../src/protocol/message.ts'
import { parseResultMeta } from '../../../src/protocol/result-meta.ts'
import { openTransport } from '../../../src/transport/open.ts'
import { Worker } from '../../../src/worker/worker.ts'
import { backendConformance } from '../../conformance/backend.ts'
import { openRpcAt, rpcCannot } from '../../support/rpc.ts'
import { type AmqpMessage, fromAmqp, recording } from '../../wire/recorded.ts'

describe('rpc backend', () => {
  backendConformance((options) => openRpcAt('memory://rpc-conformance', options), rpcCannot)

  it('sends results as Celery sends them', async () => {
    const url = 'memory://rpc-wire'
    const transport = await openTransport(url)
    const backend = await openRpcAt(url)
    const recorded = recording<AmqpMessage[]>('amqp/rpc_results.json').map(fromAmqp)
    const sent: Message[] = []
    const { promise: allSent, resolve } = Promise.withResolvers<void>()
    await transport.consume([transientQueue('me', defaultExchange, 'me')], ({ message }) => {
      if (sent.push(message) === recorded.length) resolve()
    })
    for (const { body, properties } of recorded) {
      const meta = parseResultMeta(read(body))
      if (meta) await backend.store(meta, { replyTo: 'me', correlationId: properties.correlationId ?? '' })
    }
    await allSent
    const comparable = ({ body, properties: { replyTo, ...properties }, ...rest }: Message) => ({
      ...rest,
      properties,
      body: read(body),
    })
    expect(sent.map(comparable)).toEqual(recorded.map(comparable))
    await backend.close()
    await transport.close()
  })

  it('marks results that shall survive a restart of the broker', async () => {
    const url = 'memory://rpc-persistent'
    const transport = await openTransport(url)
    const backend = await openRpcAt(url, { resultPersistent: true })
    const { promise, resolve } = Promise.withResolvers<Message>()
    await transport.consume([transientQueue('me', defaultExchange, 'me')], ({ message }) => resolve(message))
    await backend.store(someMeta, { replyTo: 'me', correlationId: 'a' })
    expect((await promise).properties.deliveryMode).toBe(2)
    await backend.close()
    await transport.close()
  })

  it('keeps the newest results, so that those who never ask do not fill the memory', async () => {
    const backend = await openRpcAt('memory://rpc-many', { oid: 'me' })
    await backend.listen?.()
    const { promise, resolve } = Promise.withResolvers<void>()
    await backend.watch(`task-${mostKept}`, () => resolve())
    for (let i = 0; i <= mostKept; i++) {
      const task_id = `task-${i}`
      await backend.store({ ...someMeta, task_id }, { replyTo: 'me', correlationId: task_id })
    }
    await promise
    expect(await backend.get('task-0')).toBeUndefined()
    expect(await backend.get('task-1')).toBeDefined()
    await backend.close()
  })

  it('tells who waits for a result that it cannot be read', async () => {
    const url = 'memory://rpc-unreadable'
    const transport = await openTransport(url)
    const backend = await openRpcAt(url, { oid: 'me' })
    await backend.listen?.()
    const { promise, resolve } = Promise.withResolvers<Error>()
    await backend.watch('a', () => {}, resolve)
    const properties = { deliveryMode: 1, priority: 0, correlationId: 'a' } as const
    const pickled = {
      headers: {},
      properties,
      contentType: 'application/x-python-serialize',
      contentEncoding: 'binary',
    }
    await transport.publish({ ...pickled, body: Buffer.from('N.') }, defaultExchange, 'me')
    expect(await promise).toMatchObject({ code: 'CONTENT_DISALLOWED' })
    await backend.close()
    await transport.close()
  })

  it('passes over what is no result', async () => {
    const url = 'memory://rpc-noise'
    const transport = await openTransport(url)
    const backend = await openRpcAt(url, { oid: 'me' })
    await backend.listen?.()
    const caller = { replyTo: 'me', correlationId: 'a' }
    const noise = { headers: {}, properties: { deliveryMode: 1, priority: 0 }, contentEncoding: 'utf-8' } as const
    await transport.publish(
      { ...noise, contentType: 'application/json', body: Buffer.from('{') },
      defaultExchange,
      'me',
    )
    await transport.publish({ ...noise, contentType: 'text/evil', body: Buffer.from('') }, defaultExchange, 'me')
    const { promise, resolve } = Promise.withResolvers<unknown>()
    await backend.watch('a', ({ status }) => resolve(status))
    await backend.store(someMeta, caller)
    expect(await promise).toBe('SUCCESS')
    await backend.close()
    await transport.close()
  })
})

describe('an app with rpc://', () => {
  let app: Celery
  let worker: Worker | undefined
  let count = 0
  afterEach(async () => {
    await worker?.stop()
    await app.close()
  })

  function define(settings: Partial<Settings> = {}) {
    const shared = { brokerUrl: `memory://rpc-app-${++count}`, resultBackend: 'rpc://', ...settings }
    app = new Celery('caller', shared)
    const server = new Celery('worker', shared)
    server.task('tasks.add', (x: number, y: number) => x + y)
    server.task('tasks.boom', () => {
      throw new RangeError('no good')
    })
    server.task('tasks.unsendable', () => () => 1)
    worker = new Worker(server, { hostname: 'w1@test' })
    return worker
  }

  it('gets its results from another app', async () => {
    await define().start()
    expect(await app.sendTask('tasks.add', { args: [2, 3] }).get({ timeout: 5 })).toBe(5)
    await expect(app.sendTask('tasks.boom').get({ timeout: 5 })).rejects.toMatchObject({ name: 'ValueError' })
    await expect(app.sendTask('tasks.nope').get({ timeout: 5 })).rejects.toMatchObject({ name: 'NotRegistered' })
    await expect(app.sendTask('tasks.unsendable').get({ timeout: 5 })).rejects.toMatchObject({ name: 'TypeError' })
  })

  it('takes the bare name that Celery takes', async () => {
    await define({ resultBackend: 'rpc' }).start()
    expect(await app.sendTask('tasks.add', { args: [2, 3] }).get({ timeout: 5 })).toBe(5)
  })

  it('is told at once that results of other processes are not to be had', async () => {
    define()
    await expect(app.asyncResult('someone-elses').get()).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('someone-elses'),
      next: expect.stringContaining('redis://'),
    })
  })

  it('opens no mailbox for calls whose results nobody wants', async () => {
    define()
    await app.sendTask('tasks.add', { args: [1, 2], ignoreResult: true })
    await expect(app.asyncResult('x').state()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})

const someMeta = { status: 'SUCCESS', result: 1, traceback: null, children: [], date_done: null, task_id: 'a' }

const read = (body: Uint8Array): unknown => JSON.parse(Buffer.from(body).toString())
