import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Celery } from '../../../src/celery.ts'
import { celeryTest, test } from '../../../src/testing/vitest.ts'

describe('the fixtures', () => {
  beforeAll(() => {
    vi.stubEnv('CELERY_BROKER_URL', 'redis://127.0.0.1:1/0')
  })
  afterAll(() => {
    expect(process.env.CELERY_BROKER_URL).toBe('redis://127.0.0.1:1/0')
    vi.unstubAllEnvs()
  })

  test('give an empty app in memory, whatever the environment says', async ({ app }) => {
    expect(app.tasks.names()).toEqual([])
    expect(app.conf.brokerUrl).toMatch(/^memory:/)
  })

  const shop = new Celery('shop', { brokerUrl: 'redis://127.0.0.1:1/0' })
  const add = shop.task('tasks.add', (x: number, y: number) => x + y)
  const shopTest = celeryTest({ app: shop, settings: { taskTrackStarted: true }, worker: { hostname: 'w1@test' } })

  shopTest('serve the app under test, with settings over its own', async ({ app, worker }) => {
    expect(app).toBe(shop)
    expect(app.conf.taskTrackStarted).toBe(true)
    expect(worker.hostname).toBe('w1@test')
    expect(await add.delay(4, 4).get({ timeout: 5 })).toBe(8)
  })

  shopTest('leave a message in the queue where no worker is asked for', async ({ app }) => {
    await add.delay(1, 1)
    expect(await (await app.transport()).size('celery')).toBe(1)
  })

  shopTest('let no test see what another left', async ({ app, worker }) => {
    expect(worker.state.total.size).toBe(0)
    await add.delay(2, 2).get({ timeout: 5 })
    expect(await (await app.transport()).size('celery')).toBe(0)
  })
})

describe('README', () => {
  it('has the example that is run beside this file', () => {
    const example = readFileSync(new URL('example.test.ts', import.meta.url), 'utf8')
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
    expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``)
  })
})
