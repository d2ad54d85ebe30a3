import { Celery } from 'celery-sandbox'
import { celeryTest } from 'celery-sandbox/vitest'
import { expect } from 'vitest'

const app = new Celery('shop')
const add = app.task('arithmetics.add', (x: number, y: number) => x + y)

const test = celeryTest({ app })

test('a worker adds', async ({ worker }) => {
  expect(await add.delay(4, 4).get({ timeout: 5 })).toBe(8)
  expect(worker.state.total.get('arithmetics.add')).toBe(1)
})

test('adding needs no worker', async () => {
  const result = await add.applyHere({ args: [4, 4] })
  expect(await result.get()).toBe(8)
})
