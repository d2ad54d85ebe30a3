import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chord, group } from '../../src/canvas/signature.ts'
import { Celery } from '../../src/celery.ts'
import { createEmbeddedBroker, type EmbeddedBroker } from '../../src/embedded/broker.ts'
import { canvasConformance } from '../conformance/canvas.ts'
import { freshAmqpUrl, freshRedisUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'

describeWith(['redis'], 'Workflows on Redis', () =>
  canvasConformance(async () => {
    const url = await freshRedisUrl()
    return { brokerUrl: url, resultBackend: url }
  }),
)

describeWith(['rabbitmq', 'redis'], 'Workflows on RabbitMQ, with results in Redis', () =>
  canvasConformance(async () => ({ brokerUrl: await freshAmqpUrl(), resultBackend: await freshRedisUrl() })),
)

describe('Workflows on the embedded broker', () => {
  let broker: EmbeddedBroker
  beforeAll(async () => {
    broker = createEmbeddedBroker({})
    await broker.start()
  })
  afterAll(() => broker.stop())
  canvasConformance(async () => ({ brokerUrl: broker.url, resultBackend: broker.url }))
})

describeWith(['rabbitmq'], 'Workflows with results as messages', () => {
  it('have no chords, and say why', async () => {
    const app = new Celery('rpc', { brokerUrl: await freshAmqpUrl(), resultBackend: 'rpc://' })
    const add = app.task('add', (x: number, y: number) => x + y)
    await expect(chord([add.s(1, 1)], add.s(1)).delay()).rejects.toThrow(/no chord with results in rpc/)
    await expect(group(add.s(1, 1)).pipe(add.s(1)).delay()).rejects.toThrow(/nobody there sees all of them/)
    await app.close()
  })
})
