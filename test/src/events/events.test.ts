import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Celery } from '../../../src/app/app.ts'
import { createDispatcher } from '../../../src/events/dispatcher.ts'
import type { ReceivedEvent } from '../../../src/events/receiver.ts'
import { decodeEvents, type Event, eventQueue } from '../../../src/protocol/event.ts'
import { Worker } from '../../../src/worker/worker.ts'
import { until } from '../../support/wait.ts'

let app: Celery
let count = 0

beforeEach(() => {
  const url = `memory://events-${++count}`
  app = new Celery('events', { brokerUrl: url, resultBackend: url })
  app.task('tasks.add', (x: number, y: number) => x + y)
})

afterEach(() => app.close())

describe('the events of an app', () => {
  it('are heard by type, and those of no type of their own by the star', async () => {
    const heard: string[] = []
    const note = (by: string) => (event: ReceivedEvent) => heard.push(`${by}: ${event.type} ${event.uuid}`)
    await app.events.receive({ 'task-a': note('own'), '*': note('star') }, { wakeup: false })
    await app.events.send('task-a', { uuid: '1' })
    await app.events.send('task-b', { uuid: '2' })
    await until(() => heard.length === 2, { describe: 'both events' })
    expect(heard).toEqual(['own: task-a 1', 'star: task-b 2'])
  })

  it('are heard until the listening is cancelled', async () => {
    const heard: string[] = []
    const listening = await app.events.receive(({ type }) => heard.push(type), { wakeup: false })
    await listening.cancel()
    const last = Promise.withResolvers<void>()
    await app.events.receive(() => last.resolve(), { wakeup: false })
    await app.events.send('task-a')
    await last.promise
    expect(heard).toEqual([])
  })

  it('show workers at once, as they are asked for a heartbeat', async () => {
    const worker = new Worker(app, { hostname: 'w1@test' })
    await worker.start()
    const cluster = app.events.cluster()
    await app.events.receive((event) => cluster.event(event))
    await until(() => cluster.workers.has('w1@test'), { describe: 'the worker to show', timeoutMs: 1_000 })
    await worker.stop()
  })

  it('carry the logical clock, and catch up with that of others', async () => {
    const heard: ReceivedEvent[] = []
    await app.events.receive((event) => heard.push(event), { wakeup: false })
    const other = new Celery('other', { brokerUrl: app.conf.brokerUrl })
    other.lamport.adjust(500)
    await other.events.send('task-a')
    await until(() => heard.length === 1, { describe: 'the event' })
    expect(heard[0]).toMatchObject({ clock: 502, local_received: expect.any(Number) })
    expect(app.lamport.value).toBe(503)
    // A client's clock says nothing.
    await new Celery('client', { brokerUrl: app.conf.brokerUrl }).events.send('task-sent')
    await until(() => heard.length === 2, { describe: 'the other event' })
    expect(heard[1]?.clock).toBe(502)
  })
})

describe('a dispatcher that sends batches', () => {
  async function listen() {
    const bodies: Event[][] = []
    const transport = await app.transport()
    await transport.consume([eventQueue('raw', transport.name)], ({ message, info }) => {
      bodies.push([...decodeEvents(message).map((event) => ({ ...event, key: info.routingKey }))])
    })
    const dispatcher = createDispatcher(transport, {
      ...{ hostname: 'w1@test', clock: app.lamport, now: Date.now, batchesTasks: true },
    })
    return { bodies, dispatcher }
  }

  it('sends the task events of a turn together, and those of workers at once', async () => {
    const { bodies, dispatcher } = await listen()
    dispatcher.send('task-received')
    dispatcher.send('worker-heartbeat')
    dispatcher.send('task-started')
    await until(() => bodies.length === 2, { describe: 'two messages' })
    expect(bodies.map((body) => body.map(({ type, key }) => [type, key]))).toEqual([
      [['worker-heartbeat', 'worker.heartbeat']],
      [
        ['task-received', 'task.multi'],
        ['task-started', 'task.multi'],
      ],
    ])
  })

  it('sends no more than two dozen together, in their order', async () => {
    const { bodies, dispatcher } = await listen()
    for (let i = 0; i < 50; i++) dispatcher.send('task-started', { uuid: String(i) })
    await dispatcher.flush()
    await until(() => bodies.length === 3, { describe: 'three messages' })
    expect(bodies.map((body) => body.length)).toEqual([24, 24, 2])
    expect(bodies.flat().map(({ uuid }) => uuid)).toEqual(Array.from({ length: 50 }, (_, i) => String(i)))
  })
})
