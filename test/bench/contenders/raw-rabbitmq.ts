import { randomUUID } from 'node:crypto'
import { connect } from 'amqplib'
import { encodeTask, taskMessage } from '../../../src/protocol/task-message.ts'
import { inFlight, type OpenContender } from './contender.ts'

/** Confirmed publishing, then consuming and acknowledging. No runtime around it, and no results. */
export const rawRabbitmq: OpenContender = async (url) => {
  const connection = await connect(url)
  const publishing = await connection.createConfirmChannel()
  const consuming = await connection.createChannel()
  await publishing.assertQueue('raw', { durable: true })
  // As much as a task's message carries, in its headers and its body.
  const { headers, body } = encodeTask(taskMessage({ task: 'bench.noop', id: randomUUID() }), 0)
  return {
    name: 'raw amqplib',
    publish: (count) =>
      inFlight(count, () => {
        const { promise, resolve, reject } = Promise.withResolvers<void>()
        publishing.publish('', 'raw', Buffer.from(body), { persistent: true, headers }, (error) =>
          error ? reject(error) : resolve(),
        )
        return promise
      }),
    async drain(count) {
      let left = count
      const done = Promise.withResolvers<void>()
      await consuming.prefetch(400)
      const startedAt = performance.now()
      await consuming.consume('raw', (message) => {
        if (message) consuming.ack(message)
        if (--left === 0) done.resolve()
      })
      await done.promise
      return performance.now() - startedAt
    },
    close: () => connection.close(),
  }
}
