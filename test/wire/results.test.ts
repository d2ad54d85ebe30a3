import { describe, expect, it } from 'vitest'
import { Celery } from '../../src/celery.ts'
import { parseExceptionInfo } from '../../src/protocol/exception.ts'
import { dumps, loads } from '../../src/protocol/json.ts'
import { parseResultMeta } from '../../src/protocol/result-meta.ts'
import { exceptionStates } from '../../src/protocol/states.ts'
import { Worker } from '../../src/worker/worker.ts'
import { recording } from './recorded.ts'

interface Executed {
  result: [[id: string, parent: unknown], children: unknown]
  backend_db: Record<string, { type: string; value: string }>
}

const executed = recording<Record<string, Executed>>('redis/executed.json')

/** What Celery stored for the task that was called. */
function stored({ result: [[id]], backend_db: db }: Executed): string {
  return String(db[`celery-task-meta-${id}`]?.value)
}

const metas = Object.entries(executed).flatMap(([name, { backend_db: db }]) =>
  Object.entries(db)
    .filter(([key]) => key.startsWith('celery-task-meta-'))
    .map(([, { value }]) => [name, value] as const),
)

describe('a result that Celery stored', () => {
  it.each(metas)('is read as it is: %s', (_name, text) => {
    const meta = parseResultMeta(loads(text))
    expect(meta && JSON.parse(dumps(meta))).toEqual(JSON.parse(text))
    if (meta && exceptionStates.has(meta.status)) expect(parseExceptionInfo(meta.result).exc_type).toMatch(/^[A-Z]\w+$/)
  })
})

/** The same calls, here. */
const calls: Record<string, (app: Celery) => Promise<{ id: string }>> = {
  delay: async (app) => app.sendTask('tasks.add', { args: [2, 3] }),
  fail: async (app) => app.sendTask('tasks.boom', { args: ['no good'] }),
  custom_fail: async (app) => app.sendTask('tasks.custom_boom'),
  retry: async (app) => app.sendTask('tasks.flaky', { args: [7] }),
  progress: async (app) => app.sendTask('tasks.progress', { args: [2] }),
  soft_limit: async (app) => app.sendTask('tasks.patient', { softTimeLimit: 0.05 }),
  replace: async (app) => app.sendTask('tasks.replace', { args: [5] }),
  unregistered: async (app) => app.sendTask('tasks.nope'),
  expired: async (app) => app.sendTask('tasks.add', { args: [1, 1], expires: new Date(Date.now() - 1_000) }),
  async revoked(app) {
    const result = await app.sendTask('tasks.add', { args: [1, 1], countdown: 0.2 })
    await result.revoke({ wait: true, timeout: 0.1 })
    return result
  },
}

function defineTasks(app: Celery): void {
  const add = app.task('tasks.add', (x: number, y: number) => x + y)
  app.task('tasks.boom', (message: string) => {
    throw new RangeError(message)
  })
  app.task('tasks.custom_boom', () => {
    throw Object.assign(new Error(), { excType: 'CustomError', excArgs: ['a', 2], excModule: 'captasks' })
  })
  const again = { bind: true } as const
  app.task('tasks.flaky', (self, x: number) => (self.request.retries ? x : self.retry({ countdown: 0 })), again)
  app.task('tasks.replace', (self, x: number) => self.replace(add.s(x, 100)), again)
  const progress = async (self: { updateState(state: string, meta: unknown): Promise<void> }, steps: number) => {
    await self.updateState('PROGRESS', { current: 0, total: steps })
    return steps
  }
  app.task('tasks.progress', progress, again)
  const untilAborted = (signal: AbortSignal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  app.task('tasks.patient', (self) => untilAborted(self.signal), again)
}

describe('a result that is stored here', () => {
  it.each(Object.keys(calls))('has what Celery stores, in its order: %s', async (name) => {
    const url = `memory://results-${name}`
    const app = new Celery('wire', { brokerUrl: url, resultBackend: url })
    defineTasks(app)
    const worker = new Worker(app, { hostname: 'w1@box' })
    await worker.start()
    const { id } = (await calls[name]?.(app)) ?? { id: '' }
    await app.asyncResult(id).get({ timeout: 5, propagate: false })
    const ours = dumps(await app.asyncResult(id).meta())
    await worker.stop()
    await app.close()
    expect(comparable(ours)).toEqual(comparable(stored(executed[name] as Executed)))
  })
})

/** Fields in their order; what must differ, by its kind. */
function comparable(text: string): unknown[] {
  const { task_id: id, ...meta } = JSON.parse(text)
  const kind = (key: string, value: unknown) => {
    if (key === 'date_done' || key === 'traceback') return typeof value
    return value === id ? 'own id' : value
  }
  return [...Object.entries(meta).map(([key, value]) => [key, kind(key, value)]), Object.keys(JSON.parse(text)).at(-1)]
}
