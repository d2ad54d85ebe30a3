import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GivenSettings } from '../../src/app/config.ts'
import type { TaskRequest } from '../../src/app/context.ts'
import { Ignore } from '../../src/app/exceptions.ts'
import type { Canvas } from '../../src/canvas/canvas.ts'
import { chain, chord, chunks, group, map, type Signature, starmap } from '../../src/canvas/signature.ts'
import { Celery } from '../../src/celery.ts'
import type { ResultTuple } from '../../src/protocol/result-meta.ts'
import { readyStates } from '../../src/protocol/states.ts'
import type { AsyncResult } from '../../src/result/async-result.ts'
import type { Result } from '../../src/result/result.ts'
import { Worker } from '../../src/worker/worker.ts'
import { until } from '../support/wait.ts'
import { anyCanvas } from './fixtures/any-canvas.ts'
import { evaluated } from './fixtures/evaluated.ts'

/** What not every pair of broker and backend does; those that cannot say why. */
export type CanvasAbility =
  | 'counts a member that keeps no result'
  | 'ends a chord when a member gives up without a result'
  | 'lets a chord grow'

export interface CanvasOptions {
  readonly runs?: number
  /** Members of the big chord. */
  readonly members?: number
  readonly cannot?: { readonly [A in CanvasAbility]?: string }
}

/** What workflows promise, whoever carries their messages and keeps their results. */
export function canvasConformance(
  settings: () => Promise<GivenSettings>,
  { runs = 60, members = 1000, cannot = {} }: CanvasOptions = {},
): void {
  let app: Celery
  let worker: Worker
  beforeAll(async () => {
    app = new Celery('workflows', { ...(await settings()), resultChordRetryInterval: 0.1 })
    defineTasks(app)
    worker = new Worker(app, { concurrency: 20 })
    await worker.start()
  })
  afterAll(async () => {
    await worker.stop()
    await app.close()
  })

  const task = <R = unknown>(name: string, ...args: unknown[]) => app.signature<R>(name, args)
  const add = (...args: unknown[]) => task<number>('add', ...args)
  const mul = (...args: unknown[]) => task<number>('mul', ...args)
  const sum = () => task<number>('sum')
  const value = <R>(workflow: Signature<R, Result<R>>) => workflow.delay().get({ timeout: 20 })

  const itCan = (ability: CanvasAbility, test: () => Promise<void>) =>
    cannot[ability] ? it.skip(`${ability} (cannot: ${cannot[ability]})`) : it(ability, test)

  describe('a workflow', () => {
    it.each<[string, () => Signature<unknown, Result>, unknown]>([
      ['chain', () => chain(add(2, 2), add(5), mul(8)), 72],
      ['pipe', () => add(2, 2).pipe(add(5), mul(8)), 72],
      ['group', () => group(Array.from({ length: 10 }, (_, n) => add(n, n))), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]],
      ['chord', () => chord([add(1, 2), mul(3, 4)], sum()), 15],
      [
        'map',
        () =>
          map(sum(), [
            [1, 2],
            [3, 4],
          ]),
        [3, 7],
      ],
      [
        'starmap',
        () =>
          starmap(add(), [
            [1, 2],
            [3, 4],
          ]),
        [3, 7],
      ],
      [
        'chunks',
        () =>
          chunks(
            add(),
            [
              [0, 0],
              [1, 1],
              [2, 2],
            ],
            2,
          ),
        [[0, 2], [4]],
      ],
    ])('%s gives what it says', async (_, make, expected) => {
      expect(await value(make())).toEqual(expected)
    })

    it('of any shape gives what its tasks would give if they were called one by one', async () => {
      await fc.assert(
        fc.asyncProperty(anyCanvas({ maxDepth: 4, tasks: ['wrap'] }), async (canvas) => {
          const expected = evaluated(canvas)
          fc.pre(expected !== undefined)
          const result = await app.send(canvas)
          expect(await result.get({ timeout: 20 })).toEqual(expected?.value)
        }),
        { numRuns: runs, seed: 7 },
      )
    }, 60_000)

    it('of any shape leaves nobody waiting when a task of it fails', async () => {
      await fc.assert(
        fc.asyncProperty(anyCanvas({ maxDepth: 3, tasks: ['wrap', 'wrap', 'wrap', 'boom'] }), async (canvas) => {
          fc.pre(evaluated(canvas) !== undefined)
          const result = await app.send(canvas)
          await until(() => isSettled(app, result.toTuple()), { describe: `all of ${canvas} to end` })
        }),
        { numRuns: Math.ceil(runs / 2), seed: 8 },
      )
    }, 60_000)

    it('takes a chain of 200', async () => {
      expect(await value(chain([add(0, 0), ...Array.from({ length: 199 }, () => add(1))]))).toBe(199)
    })

    it(`takes a chord of ${members}`, async () => {
      const header = Array.from({ length: members }, (_, n) => add(n, 1))
      expect(await value(chord(header, sum()))).toBe((members * (members + 1)) / 2)
    }, 60_000)
  })

  describe('a chord', () => {
    it('fails with its header: the body is not called, its errbacks are', async () => {
      const failed = chord([add(1, 1), task('boom', 'no good')], sum().linkError(task('note')))
      const result = (await failed.delay()) as AsyncResult
      await expect(result.get({ timeout: 20 })).rejects.toMatchObject({
        name: 'ChordError',
        message: expect.stringMatching(/^Dependency \S+ raised Exception\('no good'\)$/),
      })
      await until(() => noted.includes(result.id), { describe: 'the errback to be called' })
    })

    it('calls an errback that wants the error in place, with the request that failed', async () => {
      const result = await add(1, 1).pipe(task('boom', 'oh')).linkError(task('noteError', 'more')).delay()
      await expect(result.get({ timeout: 20 })).rejects.toThrow('oh')
      await until(() => noted.some((note) => Array.isArray(note) && note[0] === result.id), {
        describe: 'the errback to be called',
      })
      expect(noted.find((note) => Array.isArray(note) && note[0] === result.id)).toEqual([result.id, 'oh', 'more'])
    })

    it('fails the chord in whose header it is, and whatever follows', async () => {
      const inner = chord([task('boom', 'deep')], sum())
      await expect(value(chain(chord([inner, add(1, 1)], sum()), add(1)))).rejects.toMatchObject({ name: 'ChordError' })
    })

    it('keeps no chord waiting for a member that nobody will run', async () => {
      const unwanted = randomUUID()
      const revoked = chord([add(1, 1).set({ taskId: unwanted, countdown: 0.3 }), add(1, 1)], sum()).delay()
      await revoked
      await app.control.revoke(unwanted)
      await expect(revoked.get({ timeout: 20 })).rejects.toMatchObject({
        name: 'ChordError',
        message: expect.stringContaining('TaskRevokedError'),
      })
      const expired = add(1, 1).set({ expires: -1 })
      await expect(value(chord([expired, add(1, 1)], sum()))).rejects.toMatchObject({ name: 'ChordError' })
      const unknown = task('nobody.knows')
      await expect(value(chord([unknown, add(1, 1)], sum()))).rejects.toMatchObject({
        name: 'ChordError',
        message: expect.stringContaining('NotRegistered'),
      })
    })

    itCan('ends a chord when a member gives up without a result', async () => {
      const ignored = task('ignored')
      await expect(value(chord([ignored, add(1, 1)], sum()))).rejects.toMatchObject({ name: 'ChordError' })
    })

    it('tells the errbacks of a body that is a chord itself', async () => {
      const body = chord([add(1, 1)], sum().linkError(task('note'))).freeze()
      await (await chord([task('boom', 'x')], body).delay()).get({ timeout: 20, propagate: false })
      await until(() => noted.includes(body.resultId), { describe: 'the errback to be called' })
    })

    itCan('counts a member that keeps no result', async () => {
      const quietly = { ignoreResult: true }
      const nested = chord([add(1, 1).set(quietly), chain(add(1, 1), group(add(1), add(2).set(quietly)))], task('wrap'))
      expect(await value(nested)).toEqual([[2, [3, 4]]])
    })

    itCan('lets a chord grow', async () => {
      expect(await value(chord([task('grow', 3), add(1, 1)], sum()))).toBe(3 + 2 + 100 + 100)
      // Also one whose header has a group in it; what was added comes last.
      const nested = chord([task('grow', 3), chain(add(1, 1), group(add(1), add(2)))], task('wrap'))
      const [[first, group_, ...added]] = (await value(nested)) as [[number, number[], ...number[]]]
      expect([first, group_, added.toSorted()]).toEqual([3, [3, 4], [100, 100]])
      const refused = chord([task('growWrong'), add(1, 1)], sum())
      expect(await value(refused)).toBe(2)
    })
  })

  describe('a task that is replaced', () => {
    it('is replaced also when it does not wait for that', async () => {
      expect(await value(chain(task('replacedInPassing'), task('wrap', 'after')))).toEqual([4, 'after'])
    })

    it.each<[string, unknown]>([
      ['by a chain', 72],
      ['by a group', [2, 4]],
      ['by a chord', 6],
    ])('%s has its value', async (by, expected) => {
      expect(await value(task('replaced', by))).toEqual(expected)
      expect(await value(chain(task('replaced', by), task('wrap', 'after')))).toEqual([expected, 'after'])
      expect(await value(chord([task('replaced', by), add(1, 1)], task('wrap')))).toEqual([[expected, 2]])
    })
  })
}

const noted: unknown[] = []

function defineTasks(app: Celery): void {
  const add = app.task('add', (x: number, y: number) => x + y)
  const mul = app.task('mul', (x: number, y: number) => x * y)
  const sum = app.task('sum', (numbers: number[]) => numbers.reduce((a, b) => a + b, 0))
  app.task('wrap', (...args: unknown[]) => args)
  app.task('note', (what: unknown) => void noted.push(what))
  app.task(
    'noteError',
    (request: TaskRequest, error: Error, _traceback: string | null, more: string) =>
      noted.push([request.id, error.message, more]),
    { errback: true },
  )
  app.task('boom', (...args: unknown[]) => {
    throw new Error(String(args.at(-1)))
  })
  app.task('ignored', () => {
    throw new Ignore()
  })
  app.task(
    'grow',
    async (self, by: number) => {
      await self.addToChord(add.s(50, 50))
      await self.addToChord(chain(add.s(50, 20), add.s(30)))
      return by
    },
    { bind: true },
  )
  app.task(
    'growWrong',
    async (self) => {
      await self.addToChord(add.s(1, 1).set({ serializer: 'no such' })).catch(() => {})
      return 0
    },
    { bind: true },
  )
  app.task('replacedInPassing', (self) => void self.replace(add.s(2, 2)), { bind: true })
  const replacements: Record<string, () => Canvas> = {
    'by a chain': () => chain(add.s(2, 2), add.s(5), mul.s(8)),
    'by a group': () => group(add.s(1, 1), add.s(2, 2)),
    'by a chord': () => chord([add.s(1, 1), add.s(2, 2)], sum.s()),
  }
  app.task('replaced', (self, by: string) => self.replace((replacements[by] as () => Canvas)()), { bind: true })
}

/** Whether a result has ended, and all that led to it. */
async function isSettled(app: Celery, [[id, parent], members]: ResultTuple): Promise<boolean> {
  const own = members ? await allSettled(app, members) : readyStates.has(await app.asyncResult(id).state())
  return own && (parent === null || isSettled(app, parent))
}

async function allSettled(app: Celery, tuples: readonly ResultTuple[]): Promise<boolean> {
  return (await Promise.all(tuples.map((tuple) => isSettled(app, tuple)))).every(Boolean)
}
