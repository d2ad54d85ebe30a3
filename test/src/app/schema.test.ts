import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import type { Task } from '../../../src/app/task.ts'
import { Celery } from '../../../src/celery.ts'
import { Worker } from '../../../src/worker/worker.ts'

let app: Celery
let worker: Worker
let count = 0

beforeEach(() => {
  const url = `memory://schema-${++count}`
  app = new Celery('test', { brokerUrl: url, resultBackend: url })
  worker = new Worker(app, { hostname: 'w1@test', concurrency: 1 })
})
afterEach(async () => {
  await worker.stop()
  await app.close()
})

const day = v.pipe(
  v.string(),
  v.isoDate(),
  v.transform((text) => new Date(text)),
)

describe('a task with schemas', () => {
  it('has their types: callers give the input, the function gets the output', () => {
    const weekday = app.task('tasks.weekday', (at) => at.getUTCDay(), { args: v.tuple([day]), result: v.number() })
    expectTypeOf(weekday).toEqualTypeOf<Task<[string], number>>()
    const plain = app.task('tasks.plain', (n: number) => `${n}`, { result: v.pipe(v.string(), v.transform(Number)) })
    expectTypeOf(plain).toEqualTypeOf<Task<[n: number], number>>()
    const bound = app.task('tasks.bound', (self, at) => [self.request.id, at.getTime()], {
      bind: true,
      args: v.tuple([day]),
    })
    expectTypeOf(bound).toEqualTypeOf<Task<[string], (string | number)[]>>()
  })

  it('refuses a call that does not conform before it is sent, by the names of its parameters', () => {
    const move = app.task('tasks.move', (point: { x: number }) => point.x, {
      args: v.tuple([v.object({ x: v.number() })]),
    })
    expect(() => move.delay({ x: 'far' } as never)).toThrow(
      expect.objectContaining({
        code: 'TASK_ARGUMENTS',
        name: 'TypeError',
        message: 'move(point): point.x: Invalid type: Expected number but received "far"',
      }),
    )
  })

  it('gets what the schema makes of the arguments, by position or by name', async () => {
    const weekday = app.task('tasks.weekday', (at) => at.getUTCDay(), { args: v.tuple([day]) })
    expect(weekday('2026-11-20')).toBe(5)
    await worker.start()
    expect(await weekday.delay('2026-11-20').get({ timeout: 5 })).toBe(5)
    expect(await app.sendTask('tasks.weekday', { kwargs: { at: '2026-11-21' } }).get({ timeout: 5 })).toBe(6)
  })

  it('fails a call of another language that does not conform', async () => {
    app.task('tasks.weekday', (at) => at.getUTCDay(), { args: v.tuple([day]) })
    await worker.start()
    await expect(app.sendTask('tasks.weekday', { args: ['soon'] }).get({ timeout: 5 })).rejects.toMatchObject({
      name: 'TypeError',
      message: expect.stringMatching(/^weekday\(at\): at: Invalid date/),
    })
  })

  it('fails when its value does not conform, and gives what the schema makes of one that does', async () => {
    const odd = app.task('tasks.odd', async (n: number) => n, {
      result: v.pipe(
        v.number(),
        v.maxValue(9),
        v.transform((n) => ({ n })),
      ),
    })
    await worker.start()
    expect(await odd.delay(3).get({ timeout: 5 })).toEqual({ n: 3 })
    await expect(odd.delay(10).get({ timeout: 5 })).rejects.toMatchObject({
      name: 'TypeError',
      message: 'odd gave back what its result may not be: Invalid value: Expected <=9 but received 10',
    })
  })

  it('leaves a schema that needs a promise to the worker', async () => {
    const isFree = v.checkAsync(async (name: string) => name !== 'taken', 'is taken')
    const claim = app.task('tasks.claim', (name) => name, { args: v.tupleAsync([v.pipeAsync(v.string(), isFree)]) })
    await worker.start()
    expect(await claim.delay('new').get({ timeout: 5 })).toBe('new')
    await expect(claim.delay('taken').get({ timeout: 5 })).rejects.toThrow('claim(name): name: is taken')
  })
})
