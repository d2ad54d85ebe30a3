import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chord, group } from '../../src/canvas/signature.ts'
import { Celery } from '../../src/celery.ts'
import { createEmbeddedBroker, type EmbeddedBroker } from '../../src/embedded/broker.ts'
import { canvasConformance } from '../conformance/canvas.ts'
import { freshAmqpUrl, freshPostgresqlUrl, freshRedisUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'

/** Celery's, where a task looks whether all have ended. */
const unlocked = {
  runs: 6,
  members: 100,
  cannot: {
    'ends a chord when a member gives up without a result': 'chord_unlock looks for results, and there is none',
    'lets a chord grow': 'chord_unlock is told whom to wait for before the first begins',
  },
} as const

describeWith(['redis'], 'Workflows on Redis', () =>
  canvasConformance(async () => {
    const url = await freshRedisUrl()
    return { brokerUrl: url, resultBackend: url }
  }),
)

describeWith(['rabbitmq', 'redis'], 'Workflows on RabbitMQ, with results in Redis', () =>
  canvasConformance(async () => ({ brokerUrl: await freshAmqpUrl(), resultBackend: await freshRedisUrl() })),
)

describeWith(['rabbitmq', 'postgresql'], 'Workflows on RabbitMQ, with results in PostgreSQL', () =>
  canvasConformance(
    async () => ({ brokerUrl: await freshAmqpUrl(), resultBackend: `db+${await freshPostgresqlUrl()}` }),
    unlocked,
  ),
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

describe('Workflows on the embedded broker, with results in SQLite', () => {
  let broker: EmbeddedBroker
  const directory = mkdtempSync(join(tmpdir(), 'workflows-'))
  beforeAll(async () => {
    broker = createEmbeddedBroker({})
    await broker.start()
  })
  afterAll(async () => {
    await broker.stop()
    rmSync(directory, { recursive: true })
  })
  canvasConformance(
    async () => ({ brokerUrl: broker.url, resultBackend: `db+sqlite:///${directory}/results.db` }),
    unlocked,
  )
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
