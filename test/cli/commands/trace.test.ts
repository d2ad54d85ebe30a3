import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { command } from '../../../cli/commands/trace.ts'
import { createContext } from '../../../cli/context.ts'
import { exitCodeOf } from '../../../cli/exit.ts'
import { parse } from '../../../cli/program.ts'
import { type Celery, chain, createEmbeddedBroker, signature, Worker } from '../../../src/index.ts'
import { until } from '../../support/wait.ts'

const fixture = join(import.meta.dirname, '../trace/fixtures/app.ts')

describe('trace', () => {
  const broker = createEmbeddedBroker()
  let app: Celery
  let worker: Worker
  beforeAll(async () => {
    await broker.start()
    vi.stubEnv('CELERY_BROKER_URL', broker.url)
    vi.stubEnv('CELERY_RESULT_BACKEND', broker.url)
    app = (await import('../trace/fixtures/app.ts')).createApp()
    worker = new Worker(app, { hostname: 'w1@test', concurrency: 2, taskEvents: true, withoutMingle: true })
    await worker.start()
  })
  afterAll(async () => {
    await worker.stop()
    await app.close()
    await broker.stop()
    vi.unstubAllEnvs()
  })

  /** What the command tells of a task, and the code with which it ends. */
  async function trace(id: string, words: string[] = [], onLine: (line: string) => void = () => {}) {
    const context = { ...createContext({ json: false, plain: true }, AbortSignal.timeout(10_000)), cwd: tmpdir() }
    const invocation = await parse(['trace', id, '-A', fixture, ...words])
    const lines: string[] = []
    try {
      for await (const event of command.run(context, invocation?.options as never, [id])) {
        const line = command.text(event, context.paint)
        if (line !== undefined) lines.push(line)
        onLine(line ?? '')
      }
      return { text: lines.join('\n'), code: 0 }
    } catch (error) {
      return { text: lines.join('\n'), code: exitCodeOf(error), error }
    }
  }

  const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
  const line = (when: string, what: string) => expect.stringMatching(new RegExp(`^ {2}${when} +${what}$`, 'm'))

  it('says that an id is unknown which nobody sent', async () => {
    expect(await trace(randomUUID())).toMatchObject({ code: 1, error: { code: 'TASK_UNKNOWN' }, text: '' })
  })

  it('finds a task that waits in a queue which nobody serves', async () => {
    const { id } = await app.sendTask('tasks.add', { args: [1, 1], queue: 'nobody' })
    const later = await app.sendTask('tasks.add', { args: [2, 3], queue: 'nobody' })
    const { text, code } = await trace(later.id)
    expect([code, text]).toEqual([0, line('now', 'waits +in nobody, routing key nobody: 1 before it, 2 in all')])
    expect(text).toMatch(/^tasks\.add\(2, 3\)\n/)
    expect(text).toEqual(line('-', String.raw`sent +\(gen\d+@\S+\)`))
    expect((await trace(id)).text).toContain(': 0 before it, 2 in all')
  })

  it('finds the worker that runs a task, and one that holds it until its time', async () => {
    const running = await app.sendTask('tasks.wait', {})
    const held = await app.sendTask('tasks.add', { args: [1, 2], countdown: 600 })
    const isRunning = async () => Object.values(await app.control.inspect().active()).flat().length > 0
    await until(isRunning, { describe: 'the task to run' })
    expect(await trace(running.id)).toMatchObject({ code: 0, text: line(time, String.raw`started .*\(w1@test\)`) })
    const { text } = await trace(held.id)
    expect(text).toEqual(line('now', String.raw`scheduled +until ${time} +\(w1@test\)`))
    expect(text).toEqual(line('eta', time))
    for (const { id } of [running, held]) await app.control.revoke(id, { terminate: true, signal: 'SIGUSR1' })
    await running.get({ propagate: false, timeout: 5 })
  })

  it('tells the end of a task that was tried again, and of one that failed, as result does', async () => {
    const flaky = await app.sendTask('tasks.flaky', {})
    await flaky.get({ timeout: 5 })
    const { text, code } = await trace(flaky.id)
    expect([code, text]).toEqual([0, line(time, String.raw`succeeded +'at last' +\(w1@test\)`)])
    expect(text).toEqual(line('retries', '1'))

    const bad = await app.sendTask('tasks.fail', {})
    await bad.get({ timeout: 5, propagate: false })
    expect(await trace(bad.id)).toMatchObject({
      code: 4,
      text: line(time, String.raw`failed +ValueError\('no good'\) +\(w1@test\)`),
      error: { excType: 'ValueError' },
    })
  })

  it('tells that a task was revoked, and that one was put aside', async () => {
    const taskId = randomUUID()
    await app.control.revoke(taskId, { reply: true })
    const revoked = await app.sendTask('tasks.add', { args: [1, 2], taskId })
    await revoked.get({ timeout: 5, propagate: false })
    expect(await trace(taskId)).toMatchObject({ code: 4, text: line(time, 'revoked .*revoked.*') })

    const gone = await app.sendTask('tasks.gone', {})
    await gone.get({ timeout: 5, propagate: false })
    await until(async () => (await (await app.transport()).deadLetters(1)).length > 0, { describe: 'the dead letter' })
    expect(await trace(gone.id)).toMatchObject({
      code: 4,
      text: line(time, String.raw`dead-lettered +NotRegistered: tasks\.gone \(from celery\)`),
    })
  })

  it('shows a task among its relatives, as a tree and for Graphviz', async () => {
    const result = await chain(signature('tasks.add', [2, 2]), app.signature('tasks.add', [5])).delay()
    await result.get({ timeout: 5 })
    const first = result.parent?.id ?? ''
    expect((await trace(result.id)).text).toContain(
      `\n  tasks.add ${first} SUCCESS\n  └─ tasks.add ${result.id} SUCCESS  ← this one`,
    )
    const { text } = await trace(result.id, ['--dot'])
    expect(text).toMatch(/^digraph results \{/)
    expect(text).toContain(`"${first}" -> "${result.id}";`)
  })

  it('follows a task to its end, telling each thing once', async () => {
    const { id } = await app.sendTask('tasks.flaky', { queue: 'later' })
    const serve = (told: string) => {
      if (/^ {2}now +waits/.test(told)) void app.control.addConsumer('later')
    }
    const { text, code } = await trace(id, ['--follow'], serve)
    const kinds = [...text.matchAll(new RegExp(`^ {2}(?:${time}|now|-) +(\\S+)`, 'gm'))].map(([, kind]) => kind)
    const second = ['received', 'started', 'succeeded']
    expect([code, kinds]).toEqual([0, ['sent', 'waits', 'received', 'started', 'retried', ...second]])
  })

  it('follows a task whose worker sends no events', async () => {
    await app.control.disableEvents({ reply: true })
    const { id } = await app.sendTask('tasks.add', { args: [20, 3], queue: 'quiet' })
    const serve = (told: string) => {
      if (/^ {2}now +waits/.test(told)) void app.control.addConsumer('quiet')
    }
    expect(await trace(id, ['--follow'], serve)).toMatchObject({
      code: 0,
      text: line(time, 'succeeded +23 .*'),
    })
    await app.control.enableEvents({ reply: true })
  })
})
