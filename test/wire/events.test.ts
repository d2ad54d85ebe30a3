import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Celery } from '../../src/celery.ts'
import { decodeEvents, type Event } from '../../src/protocol/event.ts'
import { decodeEnvelope } from '../../src/transport/redis/envelope.ts'
import { Worker } from '../../src/worker/worker.ts'
import { until } from '../support/wait.ts'
import { recording } from './recorded.ts'

const recorded = recording<{ events: Event[]; raw_commands: { command: string }[] }>('redis/events.json')
const types = [...new Set(recorded.events.map(({ type }) => type))]
const first = (events: readonly Event[], type: string) => events.find((event) => event.type === type)

/** Field → kind of value. What the receiver adds is not on the wire. */
function fieldsOf(event: Event | undefined): Record<string, string> {
  const { local_received: _, ...fields }: Record<string, unknown> = { ...event }
  const kind = (value: unknown) => (value === null ? 'null' : typeof value)
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, kind(value)]))
}

describe('events', () => {
  let ours: Event[]
  let app: Celery
  let worker: Worker

  beforeAll(async () => {
    ours = []
    const url = 'memory://wire-events'
    app = new Celery('wire', { brokerUrl: url, resultBackend: url, taskSendSentEvent: true })
    app.task('tasks.add', (x: number, y: number) => x + y)
    app.task('tasks.boom', () => {
      throw new RangeError('ev')
    })
    const again = (self: { request: { retries: number }; retry(o: object): never }) =>
      self.request.retries || self.retry({ countdown: 0, exc: new Error('not yet') })
    app.task('tasks.flaky', again, { bind: true })
    await app.events.receive((event) => ours.push(event))
    worker = new Worker(app, { hostname: 'w1@box', taskEvents: true })
    await worker.start()
    for (const name of ['tasks.add', 'tasks.boom', 'tasks.flaky']) {
      await app.sendTask(name, { args: name === 'tasks.add' ? [2, 3] : [] }).get({ timeout: 5, propagate: false })
    }
    const late = await app.sendTask('tasks.add', { args: [1, 1], countdown: 0.1 })
    await late.revoke({ wait: true, timeout: 0.05 })
    await app.control.heartbeat({ reply: true, limit: 1 })
    await until(() => types.every((type) => first(ours, type)), {
      describe: () => `all of ${types}; there are ${ours.map(({ type }) => type)}`,
    })
  })

  afterAll(async () => {
    await worker.stop()
    await app.close()
  })

  it.each(types)('tell what Celery tells: %s', (type) => {
    const celerys = fieldsOf(first(recorded.events, type))
    // A heartbeat of ours says what Celery's worker says when it is busy.
    expect(fieldsOf(first(ours, type))).toMatchObject(celerys)
  })

  it('of a Python worker are read from its envelopes', () => {
    const read = recorded.raw_commands.flatMap(({ command }) => {
      const text = /^PUBLISH \S+ (.*)$/s.exec(command)?.[1]
      return text ? decodeEvents(decodeEnvelope(Buffer.from(text)).message) : []
    })
    expect(read.length).toBeGreaterThanOrEqual(types.length)
    expect(types.filter((type) => !first(read, type))).toEqual([])
  })
})
