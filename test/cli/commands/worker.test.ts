import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { command } from '../../../cli/commands/worker.ts'
import { createContext } from '../../../cli/context.ts'
import { parse } from '../../../cli/program.ts'
import { keepRunner } from '../../support/runner.ts'
import { until } from '../../support/wait.ts'
import { app, shout } from './fixtures/app.ts'

describe('the log of a worker', () => {
  let directory: string
  let stopping: AbortController
  let letGo: () => void
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'worker-log-'))
    stopping = new AbortController()
    letGo = keepRunner()
  })
  afterEach(() => {
    rmSync(directory, { recursive: true })
    letGo()
  })

  /** Runs one task in a worker, and gives back what the worker told. */
  async function told(words: string[], { json = false } = {}) {
    const context = createContext({ json, plain: !json }, stopping.signal)
    const argv = ['worker', '-A', 'test/cli/commands/fixtures/app.ts', '-n', 'w1@test', ...words]
    const invocation = await parse(argv)
    const events = command.run(context, invocation?.options as never, [])
    const lines: unknown[] = []
    const reading = (async () => {
      for await (const event of events) lines.push(json ? event : command.text(event, context.paint))
    })()
    await shout.delay('fire').get({ timeout: 5 })
    stopping.abort()
    await reading
    await app.close()
    return lines
  }

  it('has what the task logs, and what it prints, each in its format', async () => {
    const lines = await told(['-l', 'info'])
    const stripped = lines.map((line) => String(line).replace(/^\[.*?: /, '['))
    expect(stripped).toContainEqual(expect.stringMatching(/^\[INFO\/MainProcess\] tasks\.shout\[\S+\]: shouting fire$/))
    expect(stripped).toContain('[WARNING/MainProcess] FIRE 1')
    expect(stripped).toContainEqual(expect.stringMatching(/succeeded in [\d.]+s: 'FIRE'$/))
  })

  it('cannot be forged by the name of a task', async () => {
    await app.sendTask('x\n[2026-01-01 00:00:00,000: INFO/MainProcess] forged\x1b[2J', {})
    const text = (await told(['-l', 'info'])).join('\n')
    expect(text).toContain('forged')
    expect(text).not.toMatch(/^\[2026-01-01/m)
    expect(text).not.toContain('\x1b')
  })

  it('is an object a record for programs', async () => {
    const lines = await told(['-l', 'info'], { json: true })
    expect(lines).toContainEqual({
      type: 'log',
      ts: expect.any(String),
      level: 'info',
      message: 'shouting fire',
      logger: 'celery.task',
      taskId: expect.any(String),
      taskName: 'tasks.shout',
      hostname: 'w1@test',
    })
    expect(lines).toContainEqual(expect.objectContaining({ logger: 'celery.redirected', message: 'FIRE 1' }))
  })

  it('cannot be forged in a file either', async () => {
    await app.sendTask('x\n[2026-01-01 00:00:00,000: INFO/MainProcess] forged\x1b[2J', {})
    await told(['-l', 'info', '-f', join(directory, 'w1.log')])
    const text = readFileSync(join(directory, 'w1.log'), 'utf8')
    expect(text).toContain('forged')
    expect(text).not.toMatch(/^\[2026-01-01/m)
    expect(text).not.toContain('\x1b')
  })

  it('goes to a file named after the worker', async () => {
    const lines = await told(['-l', 'info', '-f', join(directory, '%n.log')])
    expect(lines).toHaveLength(1) // the banner
    const text = await until(() => readFileSync(join(directory, 'w1.log'), 'utf8'), { describe: 'the file' })
    expect(text).toMatch(/w1@test ready\.\n/)
    expect(text).toMatch(/: WARNING\/MainProcess\] FIRE 1\n/)
  })
})
