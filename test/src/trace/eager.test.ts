import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { GivenSettings } from '../../../src/app/config.ts'
import { Ignore } from '../../../src/app/exceptions.ts'
import { chain, chord, signature } from '../../../src/canvas/signature.ts'
import { Celery } from '../../../src/celery.ts'
import { EagerResult } from '../../../src/result/eager-result.ts'
import { anyCanvas } from '../../conformance/fixtures/any-canvas.ts'
import { evaluated } from '../../conformance/fixtures/evaluated.ts'

let app: Celery
let count = 0

function define(settings: GivenSettings = {}) {
  const url = `memory://eager-${++count}`
  app = new Celery('test', { brokerUrl: url, resultBackend: url, ...settings })
  const seen: unknown[] = []
  return {
    seen,
    add: app.task('tasks.add', (x: number, y: number) => x + y),
    boom: app.task('tasks.boom', () => {
      throw new RangeError('boom')
    }),
    again: app.task(
      'tasks.again',
      (self, failures: number) => {
        seen.push(self.request.retries)
        if (self.request.retries < failures) self.retry({ countdown: 60 })
        return self.request.isEager
      },
      { bind: true },
    ),
    note: app.task('tasks.note', (value: unknown) => void seen.push(value)),
    ignore: app.task('tasks.ignore', () => {
      throw new Ignore()
    }),
    replaced: app.task('tasks.replaced', (self) => self.replace(signature('tasks.add', [20, 3])), { bind: true }),
  }
}

afterEach(() => app.close())

describe('a task that runs here', () => {
  let tasks: ReturnType<typeof define>
  beforeEach(() => {
    tasks = define()
  })

  it('gives its result at once', async () => {
    const result = await tasks.add.applyHere({ args: [4, 4] })
    expect(result).toBeInstanceOf(EagerResult)
    expect(await result.get()).toBe(8)
    expect([await result.state(), await result.ready(), await result.successful()]).toEqual(['SUCCESS', true, true])
  })

  it('fails with the very error that it threw', async () => {
    const result = await tasks.boom.applyHere()
    expect(await result.state()).toBe('FAILURE')
    await expect(result.get()).rejects.toBeInstanceOf(RangeError)
    expect(await result.get({ propagate: false })).toBeInstanceOf(RangeError)
    await expect(result.maybeThrow()).rejects.toBeInstanceOf(RangeError)
    await expect(tasks.boom.applyHere({ throw: true })).rejects.toThrow('boom')
  })

  it('is tried again at once, and not for ever', async () => {
    expect(await (await tasks.again.applyHere({ args: [2] })).get()).toBe(true)
    expect(tasks.seen).toEqual([0, 1, 2])
    await expect((await tasks.again.applyHere({ args: [9] })).get()).rejects.toThrow("Can't retry tasks.again")
  })

  it('may ask to be ignored, or let another take its place', async () => {
    expect(await (await tasks.ignore.applyHere()).state()).toBe('IGNORED')
    expect(await (await tasks.replaced.applyHere()).get()).toBe(23)
  })

  it('refuses wrong arguments', async () => {
    await expect(tasks.add.applyHere({ kwargs: { x: 1 } })).rejects.toThrow('add(x, y) is missing 1 argument: y')
  })
})

describe('with taskAlwaysEager', () => {
  it('a call runs in place, its links too', async () => {
    const { add, note, seen } = define({ taskAlwaysEager: true })
    const pending = add.applyAsync({ args: [1, 2], link: note.s() })
    expect(pending.id).toMatch(/^[0-9a-f-]{36}$/)
    expect(await pending.get()).toBe(3)
    expect(seen).toEqual([3])
  })

  it('a task sees its arguments as they would have arrived', async () => {
    const { note, seen } = define({ taskAlwaysEager: true })
    await note.delay({ at: undefined, kept: 1 })
    expect(seen).toEqual([{ kept: 1 }])
    await expect(note.delay(() => 1)).rejects.toMatchObject({ code: 'ENCODE_ERROR' })
  })

  it('a call rejects where errors shall propagate', async () => {
    const { boom } = define({ taskAlwaysEager: true, taskEagerPropagates: true })
    await expect(boom.delay()).rejects.toBeInstanceOf(RangeError)
  })

  it('results are stored where that is asked for', async () => {
    const { add } = define({ taskAlwaysEager: true, taskStoreEagerResult: true })
    const { id } = await add.delay(1, 2)
    expect(await app.asyncResult(id).get({ timeout: 5 })).toBe(3)
  })

  it('a task that only others have is sent to them', async () => {
    define({ taskAlwaysEager: true })
    await app.sendTask('elsewhere.task')
    expect(await (await app.transport()).size('celery')).toBe(1)
  })
})

describe('a workflow that runs here', () => {
  it('of any shape gives what its tasks would give if they were called one by one', async () => {
    define({ taskAlwaysEager: true })
    app.task('wrap', (...args: unknown[]) => args)
    await fc.assert(
      fc.asyncProperty(anyCanvas({ maxDepth: 4, tasks: ['wrap'] }), async (canvas) => {
        const expected = evaluated(canvas)
        fc.pre(expected !== undefined)
        expect(await (await app.send(canvas)).get()).toEqual(expected?.value)
        expect(await (await app.apply(canvas)).get()).toEqual(expected?.value)
      }),
      { seed: 9 },
    )
  })

  it('ends with the first that fails', async () => {
    const { add, boom, seen, note } = define({ taskAlwaysEager: true })
    const result = await chain(add.s(1, 1), chord([add.s(1), boom.si()], note.s()), note.s()).delay()
    await expect(result.get()).rejects.toThrow('boom')
    expect(seen).toEqual([])
  })
})
