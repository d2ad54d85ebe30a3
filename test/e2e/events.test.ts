import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Celery } from '../../src/app/app.ts'
import { createEmbeddedBroker } from '../../src/embedded/broker.ts'
import { Worker } from '../../src/worker/worker.ts'
import { cliCommand } from '../support/cli.ts'
import { describeWith } from '../support/parts.ts'
import { openTerminal } from '../support/terminal.ts'

const fixture = join(import.meta.dirname, '../src/worker/fixtures/app.ts')

describeWith(['tmux'], 'celery-sandbox events in a terminal', () => {
  const broker = createEmbeddedBroker()
  let app: Celery
  let worker: Worker
  beforeAll(async () => {
    await broker.start()
    app = new Celery('shop', { brokerUrl: broker.url, resultBackend: broker.url })
    app.task('tasks.add', (x: number, y: number) => x + y)
    worker = new Worker(app, { hostname: 'w1@test', taskEvents: true, withoutMingle: true })
    await worker.start()
  })
  afterAll(async () => {
    await worker.stop()
    await app.close()
    await broker.stop()
  })

  it('shows tasks as they run on a screen of its own, obeys keys, and leaves the terminal as it was', async () => {
    const env = { CELERY_BROKER_URL: broker.url, CELERY_RESULT_BACKEND: broker.url }
    await using terminal = await openTerminal(`${cliCommand} events -A ${fixture}`, { env, columns: 120 })
    await terminal.until('Workers online: w1@test')
    await app.sendTask('tasks.add', { args: [20, 3] }).get({ timeout: 5 })
    await terminal.until(/tasks\.add +w1@test +\S+ SUCCESS/)
    expect(await terminal.flags()).toMatchObject({ alternateScreen: true, cooked: false })
    await terminal.press('j')
    await terminal.until('Selected: args: (20, 3)')
    await terminal.press('r')
    await terminal.until(/Task Result[\s\S]*^23$/m)
    await terminal.press('q')
    await terminal.until('Workers online')
    await terminal.resize(80, 12)
    await terminal.until('Keys: j:down')
    await terminal.press('C-c')
    expect(await terminal.exit()).toBe(0)
    expect(await terminal.flags()).toEqual({ alternateScreen: false, cursorVisible: true, cooked: true })
  })
})
