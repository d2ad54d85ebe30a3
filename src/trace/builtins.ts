import type { Celery } from '../app/app.ts'
import { currentTask, type TaskContext } from '../app/context.ts'
import { NotRegistered } from '../app/exceptions.ts'
import { type Canvas, chordOf, groupOf } from '../canvas/canvas.ts'
import { chunksOf, fromData } from '../canvas/data.ts'
import { withArguments } from '../canvas/options.ts'
import { CeleryError } from '../errors.ts'
import type { ResultTuple } from '../protocol/result-meta.ts'
import { parseSignatureData } from '../protocol/signature-data.ts'
import type { GroupResult } from '../result/group-result.ts'
import { resultFromTuple } from '../result/tuple.ts'
import { Workflow } from './workflow.ts'

type Keywords = Readonly<Record<string, unknown>>

/** Celery's own tasks, which every worker knows (§2.8 of its wire formats). */
export function addBuiltins(app: Celery): void {
  /** Sent once a day by beat, for backends where results do not expire by themselves. */
  app.task('celery.backend_cleanup', async () => {
    await (await app.backend()).cleanUp?.()
  })

  /** The end of a group that takes the place of a task. */
  app.task(
    'celery.accumulate',
    (...given: unknown[]) => {
      const { index } = given.pop() as Keywords
      return typeof index === 'number' ? given.at(index) : given
    },
    { kwargs: true },
  )

  app.task(
    'celery.map',
    (self: TaskContext, task: unknown, it: readonly unknown[]) =>
      inTurn(self, it, (item) => runInside(app, self, task, [item])),
    { bind: true },
  )

  app.task(
    'celery.starmap',
    (self: TaskContext, task: unknown, it: readonly (readonly unknown[])[]) =>
      inTurn(self, it, (items) => runInside(app, self, task, items)),
    { bind: true },
  )

  app.task('celery.chunks', async (task: unknown, it: readonly unknown[], n: number) => {
    await app.send(chunksOf(task, it, n))
  })

  app.task('celery.group', async (tasks: readonly unknown[]) => {
    await app.send(groupOf(tasks.map(read)))
  })

  app.task('celery.chord', async (header: readonly unknown[], body: unknown, partialArgs: readonly unknown[] = []) => {
    await app.send(withArguments(chordOf(groupOf(header.map(read)), read(body)), partialArgs))
  })

  app.task('celery.chain', () => {
    throw new CeleryError('UNSUPPORTED', 'celery.chain is not a real task: its first step is sent instead')
  })

  /** Where a database keeps the results: looks again until the header has ended, and then sends the body. */
  app.task(
    'celery.chord_unlock',
    async (self: TaskContext, groupId: string, body: unknown, given: Keywords) => {
      const { interval, result = [] } = given as { interval?: number | null; result?: ResultTuple[] }
      const header = resultFromTuple([[groupId, null], result], app.results) as GroupResult
      const { resultChordRetryInterval } = app.conf
      const later = { countdown: interval ?? resultChordRetryInterval, maxRetries: null }
      const isReady = await header.ready().catch((exc) => self.retry({ ...later, exc }))
      if (!isReady) self.retry(later)
      const environment = { app, backend: await app.backend(), log: self.log, sendEvent: () => {} }
      await new Workflow(self.request, currentTask()?.children ?? [], environment).unlock(header, read(body))
    },
    { bind: true, ignoreResult: true, acksLate: true, kwargs: true },
  )
}

function read(signature: unknown): Canvas {
  const data = parseSignatureData(signature)
  if (!data) throw new TypeError('this is no signature')
  return fromData(data)
}

/** As part of the task that goes through the items. */
function runInside(app: Celery, self: TaskContext, signature: unknown, args: readonly unknown[]): unknown {
  const name = parseSignatureData(signature)?.task ?? ''
  const task = app.tasks.get(name)
  if (!task) throw new NotRegistered(name)
  return task.run(self, args)
}

async function inTurn<T>(self: TaskContext, items: readonly T[], run: (item: T) => unknown): Promise<unknown[]> {
  const values: unknown[] = []
  for (const item of items) {
    self.signal.throwIfAborted()
    values.push(await run(item))
  }
  return values
}
