import { Queue, QueueEvents, Worker } from 'bullmq'
import { inFlight, type OpenContender, oneByOne } from './contender.ts'

export const bullmq: OpenContender = async (address) => {
  const url = new URL(address)
  const connection = { host: url.hostname, port: Number(url.port), db: Number(url.pathname.slice(1)) }
  const queue = new Queue('bench', { connection })
  const events = new QueueEvents('bench', { connection })
  let worker: Worker | undefined
  return {
    name: 'BullMQ',
    publish: (count) => inFlight(count, () => queue.add('noop', {})),
    async drain(count) {
      let left = count
      const done = Promise.withResolvers<void>()
      worker = new Worker('bench', async () => 1, { connection, concurrency: 100, autorun: false })
      worker.on('completed', () => {
        if (--left === 0) done.resolve()
      })
      await worker.waitUntilReady()
      const startedAt = performance.now()
      void worker.run()
      await done.promise
      return performance.now() - startedAt
    },
    async roundTrips(count) {
      await events.waitUntilReady()
      return oneByOne(count, async () => (await queue.add('noop', {})).waitUntilFinished(events, 10_000))
    },
    async close() {
      await worker?.close()
      await events.close()
      await queue.close()
    },
  }
}
