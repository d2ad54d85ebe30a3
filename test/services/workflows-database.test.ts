import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { createEmbeddedBroker, type EmbeddedBroker } from '../../src/embedded/broker.ts'
import { canvasConformance } from '../conformance/canvas.ts'
import { freshAmqpUrl, freshPostgresqlUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'

/** Celery's, where a task looks whether all have ended. */
const unlocked = {
  runs: 4,
  members: 100,
  cannot: {
    'counts a member that keeps no result': 'chord_unlock looks for results, so the call is refused',
    'ends a chord when a member gives up without a result': 'chord_unlock looks for results, and there is none',
    'lets a chord grow': 'chord_unlock is told whom to wait for before the first begins',
  },
} as const

describeWith(['rabbitmq', 'postgresql'], 'Workflows on RabbitMQ, with results in PostgreSQL', () =>
  canvasConformance(
    async () => ({ brokerUrl: await freshAmqpUrl(), resultBackend: `db+${await freshPostgresqlUrl()}` }),
    unlocked,
  ),
)

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
