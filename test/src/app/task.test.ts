import { afterEach, describe, expect, expectTypeOf, it } from 'vitest'
import type { TaskContext } from '../../../src/app/context.ts'
import { Celery } from '../../../src/celery.ts'
import type { PendingResult } from '../../../src/result/async-result.ts'

const app = new Celery('test', { brokerUrl: 'memory://task', resultBackend: 'memory://task' })
const add = app.task('tasks.add', (x: number, y: number) => x + y)
const bound = app.task('tasks.bound', async (self, url: string) => `${url} ${self.request.id}`, { bind: true })

afterEach(() => app.close())

describe('a task', () => {
  it('is typed by its function', () => {
    expectTypeOf(add.delay).toEqualTypeOf<(x: number, y: number) => PendingResult<number>>()
    expectTypeOf(bound.delay).toEqualTypeOf<(url: string) => PendingResult<string>>()
    expectTypeOf(add.delay(1, 2).get()).resolves.toEqualTypeOf<number>()
    app.task('tasks.typed', (self, n: number) => expectTypeOf(self).toEqualTypeOf<TaskContext>() && n, { bind: true })
    // @ts-expect-error a string is no number
    expect(() => add.delay('1')).toThrow('is missing')
  })

  it('can be called here as the function it is', () => {
    expect(add(2, 3)).toBe(5)
    expect(() => bound('x')).toThrow('it needs a worker')
  })

  it('refuses wrong arguments before anything is sent', async () => {
    const transport = await app.transport()
    await transport.purge('celery')
    await expect(async () => add.delay(...([1] as unknown as [number, number]))).rejects.toThrow(
      'add(x, y) is missing 1 argument: y',
    )
    expect(await transport.size('celery')).toBe(0)
  })

  it('has an id before it is sent', async () => {
    const pending = add.delay(1, 2)
    expect(pending.id).toMatch(/^[0-9a-f-]{36}$/)
    expect((await pending).id).toBe(pending.id)
  })

  it('is sent, also when the app closes at once', async () => {
    const url = 'memory://closing'
    const app = new Celery('closing', { brokerUrl: url })
    app.task('tasks.add', (x: number) => x).delay(1)
    await app.close()
    expect(await (await app.transport()).size('celery')).toBe(1)
    await app.close()
  })

  it('rejects when the broker cannot be reached', async () => {
    const lost = new Celery('lost', { brokerUrl: 'redis://127.0.0.1:1/0', taskPublishRetry: false })
    const ping = lost.task('ping', () => 'pong')
    await expect(ping.delay()).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' })
    await expect(ping.delay().get()).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' })
    await lost.close()
  })

  it('makes signatures that keep their arguments for later', () => {
    expect(add.s(8)).toMatchObject({ task: 'tasks.add', args: [8], immutable: false })
    expect(add.si(1, 2)).toMatchObject({ args: [1, 2], immutable: true })
    expect(Object.isFrozen(add.s(1, 2))).toBe(true)
  })

  it('is refused under a name that is taken', () => {
    expect(() => app.task('tasks.add', () => 0)).toThrow("there are two tasks named 'tasks.add'")
  })
})
