import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Celery } from '../../src/app/app.ts'
import type { ReceivedEvent } from '../../src/events/receiver.ts'
import { freshAmqpUrl, freshRedisUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'
import { start } from '../support/process.ts'
import { until } from '../support/wait.ts'

const bin = join(import.meta.dirname, '../../cli/bin.ts')
const fixture = join(import.meta.dirname, '../src/worker/fixtures/app.ts')

describeWith(['redis', 'rabbitmq'], 'a worker whose event loop is blocked for eleven seconds', () => {
  it.each([
    ['Redis', freshRedisUrl],
    ['RabbitMQ', freshAmqpUrl],
  ])('is seen alive all the time, with the task that it runs, over %s', async (_, place) => {
    const url = await place()
    const app = new Celery('monitor', { brokerUrl: url })
    const beats: ReceivedEvent[] = []
    const cluster = app.events.cluster()
    await app.events.receive((event) => {
      cluster.event(event)
      if (event.type === 'worker-heartbeat') beats.push(event)
    })
    const options = ['-A', fixture, '-n', 'busy@test', '-P', 'async', '--without-mingle']
    const env = { CELERY_BROKER_URL: url, CELERY_RESULT_BACKEND: undefined }
    await using worker = start(process.execPath, [bin, 'worker', ...options, '-l', 'info'], { env })
    await worker.until('ready.')
    const begun = Date.now()
    await app.sendTask('tasks.computeFor', { args: [11_000] })
    const gone = () => Date.now() - begun
    let hasBeenLost = false
    await until(
      () => {
        hasBeenLost ||= cluster.workers.has('busy@test') && cluster.aliveWorkers(Date.now() / 1000).length === 0
        return gone() > 10_500
      },
      { describe: 'the time to pass', timeoutMs: 15_000 },
    )
    expect(hasBeenLost).toBe(false)
    const during = beats.filter((beat) => beat.local_received * 1000 > begun + 2_500)
    expect(during.length).toBeGreaterThanOrEqual(3)
    expect(during.every(({ active, processed }) => active === 1 && processed === 0)).toBe(true)
    await until(() => beats.some(({ processed }) => processed === 1), { describe: 'the loop to be back' })
    // One order for what both of its threads tell.
    const clocks = beats.map(({ clock }) => clock)
    expect(clocks).toEqual([...clocks].sort((a, b) => a - b))
    expect(await worker.stop()).toMatchObject({ code: 0 })
    await app.close()
  })
})
