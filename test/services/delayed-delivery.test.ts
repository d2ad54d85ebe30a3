import { expect, it } from 'vitest'
import { queue } from '../../src/app/queues.ts'
import { Celery } from '../../src/celery.ts'
import { exchange } from '../../src/protocol/entity.ts'
import { Worker } from '../../src/worker/worker.ts'
import { freshAmqpUrl, manageRabbitmq } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'

describeWith(['rabbitmq'], 'a task with a countdown for a quorum queue', () => {
  it('waits at RabbitMQ, and comes to its worker when it is due', async () => {
    const brokerUrl = await freshAmqpUrl()
    const jobs = queue('jobs', { exchange: exchange('jobs', 'topic'), routingKey: 'jobs.all', queueType: 'quorum' })
    const app = new Celery('delayed', {
      ...{ brokerUrl, resultBackend: 'memory://delayed', taskQueues: [jobs], taskDefaultQueue: 'jobs' },
      brokerNativeDelayedDeliveryQueueType: 'classic', // 28 quorum queues are slow to make on one small node
    })
    const received: number[] = []
    app.task('tasks.note', () => received.push(Date.now()))
    const flaky = app.task('tasks.flaky', (self) => self.request.retries || self.retry({ countdown: 0 }), {
      bind: true,
    })
    const worker = new Worker(app, { hostname: 'w1@delayed' })
    await worker.start()

    const sentAt = Date.now()
    const late = await app.sendTask('tasks.note', { countdown: 2.5 })
    const vhost = new URL(brokerUrl).pathname.slice(1)
    const bindings = (await manageRabbitmq('GET', `bindings/${vhost}`)) as { source: string; destination: string }[]
    expect(bindings).toContainEqual(expect.objectContaining({ source: 'celery_delayed_delivery', destination: 'jobs' }))
    expect(await app.sendTask('tasks.note').get({ timeout: 5 })).toBe(1)
    expect(worker.state.total.get('tasks.note')).toBe(1)
    expect(await late.get({ timeout: 10 })).toBe(2)
    expect((received[1] ?? 0) - sentAt).toBeGreaterThanOrEqual(2_500)
    // A retry of what came late goes straight back to its queue.
    expect(await flaky.applyAsync({ countdown: 1.1 }).get({ timeout: 10 })).toBe(1)
    await worker.stop()
    await app.close()
  })
})
