import fc from 'fast-check'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { type Canvas, listOf } from '../../../src/canvas/canvas.ts'
import { fromData, toData } from '../../../src/canvas/data.ts'
import {
  chain,
  chord,
  chunks,
  group,
  type Signature,
  signature,
  signatureFromJSON,
} from '../../../src/canvas/signature.ts'
import { stamped } from '../../../src/canvas/stamp.ts'
import { callsOf } from '../../../src/canvas/walk.ts'
import { Celery } from '../../../src/celery.ts'
import type { Result } from '../../../src/result/result.ts'
import { anyCanvas } from '../../conformance/fixtures/any-canvas.ts'

const add = (...args: number[]) => signature<number>('add', args)
const sum = () => signature<number>('sum')

/** Where an option is found: `add(1)` of each call that has it. */
const having = (canvas: Canvas, option: string) =>
  callsOf(canvas, 'everywhere')
    .filter(({ options }) => Object.hasOwn(options, option))
    .map((call) => String(signature(call.task, call.args)))

const workflow = () => chain(add(1), chord([add(2), add(3)], sum()))

describe('a signature', () => {
  it('never changes: what changes it gives another', () => {
    const first = add(1)
    expect(first.set({ queue: 'slow' })).not.toBe(first)
    expect(callsOf(first, 'start')[0]?.options).toEqual({})
    expect(() => Object.assign(first, { task: 'mul' })).toThrow(TypeError)
  })

  it('reads as Celery shows it', () => {
    expect(String(workflow())).toBe('add(1) | chord([add(2), add(3)], sum())')
    expect(String(group(add(1), signature('mul', [2], { kwargs: { by: 3 } })))).toBe('group([add(1), mul(2, by=3)])')
    expect(String(chain())).toBe('chain(<empty>)')
  })

  it('takes arguments before its own, at its start', () => {
    expect(String(workflow().clone({ args: [7] }))).toBe('add(7, 1) | chord([add(2), add(3)], sum())')
    expect(String(chord([add(2), add(3)], sum()).clone({ args: [7] }))).toBe('chord([add(7, 2), add(7, 3)], sum())')
    expect(String(signature('add', [1], { immutable: true }).clone({ args: [7] }))).toBe('add(1)')
  })

  it.each([
    ['countdown', { countdown: 3 }, ['add(1)']],
    ['taskId', { taskId: 'x' }, ['sum()']],
    ['link', { link: add(9) }, ['sum()']],
    ['linkError', { linkError: add(9) }, ['add(1)', 'sum()']],
  ] as const)('puts the option %s where it belongs', (option, given, where) => {
    expect(having(workflow().set(given), option)).toEqual(where)
  })

  it('gives the options of a chord to its header and its body', () => {
    expect(having(chord([add(2), add(3)], sum()).set({ queue: 'slow' }), 'queue')).toEqual([
      'add(2)',
      'add(3)',
      'sum()',
    ])
  })

  it('refuses a link to a group, which has no single end', () => {
    expect(() => group(add(1), add(2)).link(sum())).toThrow(/no single end/)
    expect(() => chain(add(0), group(add(1), add(2))).link(sum())).toThrow(/no single end/)
  })

  it('knows the id of its result once it is frozen', () => {
    const frozen = workflow().freeze('mine')
    expect(frozen.resultId).toBe('mine')
    expect(frozen.freeze().resultId).toBe('mine')
    expect(workflow().resultId).toBeUndefined()
    expect(group(add(1)).freeze('all').resultId).toBe('all')
  })

  it('of a group can begin its members one after the other', () => {
    const skewed = group(add(1), add(2), add(3)).skew({ start: 1, stop: 2.5 })
    expect(callsOf(skewed, 'everywhere').map(({ options }) => options.countdown)).toEqual([1, 2, 2.5])
    expect(group(add(1)).freeze('mine').skew().resultId).toBe('mine')
    expect(() => chain(add(1), add(2)).skew()).toThrow(/no group/)
  })

  it('is read back from its JSON as it was', () => {
    fc.assert(
      fc.property(anyCanvas({ maxDepth: 4, tasks: ['add', 'mul'] }), (canvas) => {
        expect(fromData(JSON.parse(JSON.stringify(toData(canvas))))).toEqual(canvas)
      }),
    )
    expect(signatureFromJSON(JSON.parse(JSON.stringify(workflow().stamp({ shop: 1 }))))).toEqual(
      workflow().stamp({ shop: 1 }),
    )
  })

  it('is read from what Python writes of chunks, of a header that is a list, and of its partial arguments', () => {
    const data = JSON.parse(JSON.stringify(toData(add(1))))
    const header = { task: 'celery.chord', subtask_type: 'chord', kwargs: { header: [data], body: data, kwargs: {} } }
    expect(String(signatureFromJSON(header))).toBe('chord([add(1)], add(1))')
    const cut = { task: 'celery.chunks', subtask_type: 'chunks', kwargs: { task: data, it: [[1], [2], [3]], n: 2 } }
    expect(signatureFromJSON(cut)).toEqual(chunks(add(1), [[1], [2], [3]], 2))
    const partial = { ...toData(chain(add(1), add(2))), args: [7], options: { task_id: 'last', queue: 'slow' } }
    expect(String(signatureFromJSON(partial))).toBe('add(7, 1) | add(2)')
    expect(having(signatureFromJSON(partial), 'taskId')).toEqual(['add(2)'])
    expect(() => signatureFromJSON({ no: 'task' })).toThrow(/no signature/)
  })

  it('is not what people take for one', () => {
    const task = Object.assign(() => 1, { taskName: 'tasks.mul' }) as unknown as Canvas
    const value = 4 as unknown as Canvas
    const nothing = undefined as unknown as Canvas
    const promise = Promise.resolve() as unknown as Canvas
    for (const make of [
      () => chain(add(1), task),
      () => chord([add(1)], task as Signature),
      () => add(1).pipe(task as Signature),
    ]) {
      expect(make).toThrow('tasks.mul is a task and no signature: did you forget .s()?')
    }
    expect(() => chain(value, add(1))).toThrow('4 is no signature: make one with task.s(…)')
    expect(() => group([nothing])).toThrow('None is no signature')
    expect(() => group([promise])).toThrow('a call that is on its way')
  })

  it('is sent by the app of the task that made it, and says so when there is none', async () => {
    const app = new Celery('signatures', { brokerUrl: 'memory://signatures' })
    const task = app.task('add', (x: number, y: number) => x + y)
    const sending = chain(signature('elsewhere'), task.s(1)).freeze('last').delay()
    expect((await sending).id).toBe('last')
    expect(() => workflow().delay()).toThrow(/belongs to no app/)
    expect(() => app.send(chain())).toThrow(/has nothing to run/)
    await app.close()
  })
})

it('knows the type of what it will give', () => {
  const app = new Celery('types')
  const plus = app.task('plus', (x: number, y: number) => x + y)
  const text = app.task('text', (x: number) => String(x))
  const total = app.task('total', (numbers: number[]) => numbers.length)
  const value = <R, H extends Result<R>>(_: Signature<R, H>): R => undefined as R
  expectTypeOf(value(chain(plus.s(1, 1), text.s()))).toEqualTypeOf<string>()
  expectTypeOf(value(chain([plus.s(1, 1), plus.s(2)]))).toEqualTypeOf<number>()
  expectTypeOf(value(plus.s(1, 1).pipe(text.s()))).toEqualTypeOf<string>()
  expectTypeOf(value(group(plus.s(1, 2), text.s(3)))).toEqualTypeOf<(string | number)[]>()
  expectTypeOf(value(group([1, 2].map((n) => plus.s(n, n))))).toEqualTypeOf<number[]>()
  expectTypeOf(value(group(group(plus.s(1, 2))))).toEqualTypeOf<number[][]>()
  expectTypeOf(value(chord([plus.s(1, 1), text.s(1)], total.s()))).toEqualTypeOf<number>()
  // @ts-expect-error: a number is no text
  plus.s('one')
})

describe('stamps', () => {
  const stampsOf = (canvas: Canvas) =>
    callsOf(canvas, 'everywhere').map((call) => [call.args[0] ?? call.task, call.options.stamps])

  it('mark every call, links too, and keep what was there before', () => {
    const marked = chain(add(1).stamp({ shop: 'a' }), add(2).link(add(3))).stamp({ shop: 'b', day: 1 })
    expect(stampsOf(marked)).toEqual([
      [1, { shop: 'a', day: 1 }],
      [2, { shop: 'b', day: 1 }],
    ])
    const links = callsOf(marked, 'everywhere').flatMap(({ options }) => listOf(options.link))
    expect(links.map(stampsOf)).toEqual([[[3, { shop: 'b', day: 1 }]]])
  })

  it('may be said by a visitor, part by part, and are handed down', () => {
    const seen: string[] = []
    const marked = stamped(chain(add(1), chord([add(2)], sum()), group(add(4))), {
      onSignature: (call) => ({ n: call.args[0] ?? call.task }),
      onChainStart: () => ({ chain: true }),
      onChainEnd: () => seen.push('chain'),
      onGroupStart: () => ({ group: true }),
      onGroupEnd: () => seen.push('group'),
      onChordBody: () => ({ body: true }),
    })
    expect(stampsOf(marked)).toEqual([
      [1, { n: 1, chain: true }],
      [2, { n: 2, chain: true, group: true }],
      ['sum', { n: 'sum', chain: true, group: true, body: true }],
      [4, { n: 4, chain: true, group: true }],
    ])
    expect(seen).toEqual(['group', 'group', 'chain'])
  })
})
