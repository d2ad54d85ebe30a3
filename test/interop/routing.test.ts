import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { broadcast, queue, workerDirect } from '../../src/app/queues.ts'
import { Celery } from '../../src/celery.ts'
import { createEmbeddedBroker } from '../../src/embedded/broker.ts'
import { exchange } from '../../src/protocol/entity.ts'
import { Worker } from '../../src/worker/worker.ts'
import { freshAmqpUrl, freshRedisUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'
import { type PythonClient, pythonClient } from '../support/python/client.ts'
import { until } from '../support/wait.ts'

interface Broker {
  url: string
  stop(): Promise<void>
}

const brokers: [name: string, open: () => Promise<Broker>][] = [
  ['Redis', async () => ({ url: await freshRedisUrl(), stop: async () => {} })],
  ['RabbitMQ', async () => ({ url: await freshAmqpUrl(), stop: async () => {} })],
  [
    'the embedded broker',
    async () => {
      const broker = createEmbeddedBroker()
      await broker.start()
      return { url: broker.url, stop: () => broker.stop() }
    },
  ],
]

const media = exchange('media', 'topic')

describe.each(brokers)('routes over %s', (_name, open) => {
  describeWith(['redis', 'rabbitmq', 'python'], 'with Python', () => {
    let broker: Broker
    let workers: { app: Celery; worker: Worker }[]
    let python: PythonClient
    /** `worker: note`. */
    const notes: string[] = []

    beforeAll(async () => {
      broker = await open()
      workers = await Promise.all(['w1', 'w2'].map((name) => serve(name)))
      python = await pythonClient({ broker: broker.url, backend: 'disabled://' })
    })

    afterAll(async () => {
      await python.stop()
      for (const { app, worker } of workers) {
        await worker.stop()
        await app.close()
      }
      await broker.stop()
    })

    async function serve(name: string) {
      const app = new Celery('routes', {
        brokerUrl: broker.url,
        taskQueues: [
          'celery',
          broadcast('news'),
          queue('images', { exchange: media, routingKey: 'media.image.#' }),
          queue('all', { exchange: media, routingKey: 'media.*.*' }),
        ],
        taskRoutes: [['tasks.everywhere', 'news']],
        workerDirect: true,
      })
      for (const task of ['tasks.note', 'tasks.everywhere']) {
        app.task(task, (note: string) => void notes.push(`${name}: ${note}`))
      }
      const worker = new Worker(app, { hostname: `${name}@routes`, concurrency: 4 })
      await worker.start()
      return { app, worker }
    }

    const app = () => workers[0]?.app as Celery
    /** The notes once there are so many, sorted. */
    async function come(count: number): Promise<string[]> {
      await until(() => notes.length >= count, { describe: () => `${count} notes; there are ${notes}` })
      return notes.splice(0).sort()
    }

    it('bring a broadcast task to every worker', async () => {
      await app().sendTask('tasks.everywhere', { args: ['from TypeScript'] })
      expect(await come(2)).toEqual(['w1: from TypeScript', 'w2: from TypeScript'])
    })

    // On Redis kombu knows of an exchange only what it declared itself.
    it('bring Python’s broadcast to every worker', async () => {
      await python.eval(
        'from kombu.common import Broadcast\nnews = Broadcast("news")\napp.amqp.queues.add(news)\n' +
          'app.send_task("tasks.note", ("from Python",), queue="news", declare=[news.exchange]).id',
      )
      expect(await come(2)).toEqual(['w1: from Python', 'w2: from Python'])
    })

    it('bring a message of a topic to each queue that wants it', async () => {
      await app().sendTask('tasks.note', { args: ['a'], exchange: 'media', routingKey: 'media.image.png' })
      expect((await come(2)).map((note) => note.slice(4))).toEqual(['a', 'a'])
    })

    it('bring Python’s message of a topic to each queue that wants it', async () => {
      await python.eval(
        'from kombu import Exchange\nmedia = Exchange("media", "topic")\n' +
          'app.send_task("tasks.note", ("b",), exchange="media", routing_key="media.image.png", declare=[media]).id',
      )
      expect((await come(2)).map((note) => note.slice(4))).toEqual(['b', 'b'])
    })

    it('reach one worker alone', async () => {
      await app().sendTask('tasks.note', { args: ['direct'], queue: workerDirect('w2@routes') })
      expect(await come(1)).toEqual(['w2: direct'])
    })
  })
})
