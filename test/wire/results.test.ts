import { describe, expect, it } from 'vitest'
import { chain, chord, chunks, group, signature, starmap } from '../../src/canvas/signature.ts'
import { Celery } from '../../src/celery.ts'
import { parseExceptionInfo } from '../../src/protocol/exception.ts'
import { dumps, loads } from '../../src/protocol/json.ts'
import { parseResultMeta, type ResultTuple } from '../../src/protocol/result-meta.ts'
import { exceptionStates } from '../../src/protocol/states.ts'
import type { Result } from '../../src/result/result.ts'
import { Worker } from '../../src/worker/worker.ts'
import { recording, withoutIds } from './recorded.ts'

interface Executed {
  result: ResultTuple
  backend_db: Record<string, { type: string; value: string }>
}

const executed = recording<Record<string, Executed>>('redis/executed.json')

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

const add = (...args: readonly unknown[]) => signature('tasks.add', args)
const mul = (...args: readonly unknown[]) => signature('tasks.mul', args)
const xsum = () => signature('tasks.xsum')

/** The same calls, here. */
const calls: Record<string, (app: Celery) => Promise<Result>> = {
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
  chain: async (app) => app.send(chain(add(2, 2), add(5), mul(8))),
  group: async (app) => app.send(group([0, 1, 2].map((n) => add(n, n)))),
  chord: async (app) => app.send(chord([add(1, 2), mul(3, 4)], xsum())),
  chord_error: async (app) => app.send(chord([add(1, 2), signature('tasks.boom', ['x'])], xsum())),
  chain_of_group: async (app) => app.send(chain(add(1, 1), group(add(2), add(3)), xsum())),
  starmap: async (app) =>
    app.send(
      starmap(add(), [
        [1, 2],
        [3, 4],
      ]),
    ),
  chunks: async (app) =>
    app.send(
      chunks(
        add(),
        [0, 1, 2, 3].map((n) => [n, n]),
        2,
      ),
    ),
}

function defineTasks(app: Celery): void {
  const add = app.task('tasks.add', (x: number, y: number) => x + y)
  app.task('tasks.mul', (x: number, y: number) => x * y)
  app.task('tasks.xsum', (numbers: number[]) => numbers.reduce((sum, n) => sum + n, 0))
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
    const result = await calls[name]?.(app)
    if (!result) throw new Error(`${name} is not called`)
    await result.get({ timeout: 5, propagate: false })
    const ids = idsIn(result.toTuple())
    const ours = await Promise.all(ids.map(async (id) => [id, dumps(await app.asyncResult(id).meta())] as const))
    await worker.stop()
    await app.close()
    const { result: recorded, backend_db: db } = executed[name] as Executed
    const theirs = idsIn(recorded).map((id) => [id, String(db[`celery-task-meta-${id}`]?.value)] as const)
    const differing = name === bodyInChain ? ['parent_id'] : []
    const meant = (metas: typeof ours) => withoutIds(metas.map((meta) => comparable(meta, differing)))
    expect(meant(ours)).toEqual(meant(theirs))
  })
})

/** Of all tasks behind a result, those it came from first. */
function idsIn([[id, parent], members]: ResultTuple): string[] {
  return [...(parent ? idsIn(parent) : []), ...(members ? members.flatMap(idsIn) : [id])]
}

/**
 * Where a chord is a step of a chain, Celery names the step before it as the parent of its body; here it is the member
 * that ended last, as for any other chord in both.
 */
const bodyInChain = 'chain_of_group'

/** Fields in their order; what must differ, by its kind. */
function comparable([id, text]: readonly [id: string, text: string], differing: readonly string[]): unknown[] {
  const kinds = ['date_done', 'traceback', ...differing]
  const meta = Object.entries(JSON.parse(text))
  return [id, meta.map(([key, value]) => [key, kinds.includes(key) ? typeof value : value])]
}
