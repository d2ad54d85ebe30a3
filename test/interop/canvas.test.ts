import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TaskRequest } from '../../src/app/context.ts'
import type { Canvas } from '../../src/canvas/canvas.ts'
import { chain, chord, chunks, group, map, type Signature, signature, starmap } from '../../src/canvas/signature.ts'
import { Celery } from '../../src/celery.ts'
import type { ResultTuple } from '../../src/protocol/result-meta.ts'
import type { AsyncResult } from '../../src/result/async-result.ts'
import type { Result } from '../../src/result/result.ts'
import { resultFromTuple } from '../../src/result/tuple.ts'
import { Worker } from '../../src/worker/worker.ts'
import { freshAmqpUrl, freshPostgresqlUrl, freshRedisUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'
import type { Program } from '../support/process.ts'
import { type PythonClient, pythonClient } from '../support/python/client.ts'
import { startPythonWorker } from '../support/python/worker.ts'
import { until } from '../support/wait.ts'

/** Calls by one of the two workers. */
interface On {
  (task: string, ...args: unknown[]): Signature<never>
  /** Takes no value from what ran before. */
  si(task: string, ...args: unknown[]): Signature<never>
  readonly queue: string
}

interface Workflow {
  readonly name: string
  readonly here: (a: On, b: On) => Canvas
  readonly python?: string
  /** Where Celery 5.2 can do it; everywhere by default. */
  readonly places?: readonly Place[]
  readonly value?: unknown
}

/** Who a is, and who b. */
type Place = 'ts and ts' | 'py and py' | 'ts and py' | 'py and ts'

const everywhere: readonly Place[] = ['ts and ts', 'py and py', 'ts and py', 'py and ts']

const pairs = [
  [0, 0],
  [1, 1],
  [2, 2],
  [3, 3],
]

/** As they are made in each language, by workers a and b, and what they give. */
const workflows: Workflow[] = [
  {
    name: 'a chain',
    here: (a, b) => chain(a('add', 2, 2), b('add', 5), a('mul', 8)),
    python: 'chain(a("add", 2, 2), b("add", 5), a("mul", 8))',
    value: 72,
  },
  {
    name: 'a group of ten',
    here: (a, b) => group(Array.from({ length: 10 }, (_, n) => (n % 2 ? a : b)('add', n, n))),
    python: 'group((a if n % 2 else b)("add", n, n) for n in range(10))',
    value: [0, 2, 4, 6, 8, 10, 12, 14, 16, 18],
  },
  {
    name: 'a chord',
    here: (a, b) => chord([a('add', 1, 2), b('mul', 3, 4)], a('xsum')),
    python: 'chord([a("add", 1, 2), b("mul", 3, 4)], a("xsum"))',
    value: 15,
  },
  {
    name: 'a chord whose body is elsewhere',
    here: (a, b) => chord([a('add', 1, 2), a('mul', 3, 4)], b('xsum')),
    python: 'chord([a("add", 1, 2), a("mul", 3, 4)], b("xsum"))',
    value: 15,
  },
  {
    name: 'a chord of one',
    here: (a, b) => chord([a('add', 1, 2)], b('xsum')),
    python: 'chord([a("add", 1, 2)], b("xsum"))',
    value: 3,
  },
  {
    name: 'a chord of none',
    here: (_, b) => chord([], b('xsum')),
    python: 'chord([], b("xsum"))',
    value: 0,
  },
  {
    name: 'map',
    here: (a, b) =>
      map(a('xsum'), [
        [1, 2],
        [3, 4],
      ]).set({ queue: b.queue }),
    python: 'xmap(a("xsum"), [[1, 2], [3, 4]]).set(queue=b.queue)',
    value: [3, 7],
  },
  {
    name: 'starmap',
    here: (a, b) => starmap(a('add'), pairs).set({ queue: b.queue }),
    python: 'xstarmap(a("add"), pairs).set(queue=b.queue)',
    value: [0, 2, 4, 6],
  },
  {
    name: 'chunks',
    here: (a, b) => chunks(a('add'), pairs, 3).set({ queue: b.queue }),
    python: 'chunks(a("add"), pairs, 3).group().set(queue=b.queue)',
    value: [[0, 2, 4], [6]],
  },
  {
    name: 'maps in a chord',
    here: (a, b) =>
      chord(
        [starmap(a('add'), pairs).set({ queue: a.queue }), map(b('xsum'), [[1, 2]]).set({ queue: b.queue })],
        b('same'),
      ),
    python:
      'chord([xstarmap(a("add"), pairs).set(queue=a.queue), xmap(b("xsum"), [[1, 2]]).set(queue=b.queue)], b("same"))',
    value: [[0, 2, 4, 6], [3]],
  },
  {
    name: 'a group in the middle of a chain',
    here: (a, b) => chain(a('add', 1, 1), group(a('add', 2), b('add', 3)), b('xsum'), a('mul', 2)),
    python: 'chain(a("add", 1, 1), group(a("add", 2), b("add", 3)), b("xsum"), a("mul", 2))',
    value: 18,
  },
  {
    name: 'a chain that ends in a group',
    here: (a, b) => chain(a('add', 1, 1), b('add', 1), group(a('add', 2), b('add', 3))),
    python: 'chain(a("add", 1, 1), b("add", 1), group(a("add", 2), b("add", 3)))',
    value: [5, 6],
  },
  {
    name: 'a group after a group',
    here: (a, b) => chain(group(a('add', 1, 1), b('add', 2, 2)), group(b('xsum'), a('xsum'))),
    python: 'chain(group(a("add", 1, 1), b("add", 2, 2)), group(b("xsum"), a("xsum")))',
    value: [6, 6],
  },
  {
    name: 'chains in a chord',
    here: (a, b) => chord([chain(a('add', 1, 1), b('mul', 2)), chain(b('add', 2, 2), a('mul', 3))], a('xsum')),
    python: 'chord([chain(a("add", 1, 1), b("mul", 2)), chain(b("add", 2, 2), a("mul", 3))], a("xsum"))',
    value: 16,
  },
  {
    name: 'a chord in a chord',
    here: (a, b) => chord([chord([a('add', 1, 1), b('add', 2, 2)], b('xsum')), a('add', 3, 3)], b('xsum')),
    python: 'chord([chord([a("add", 1, 1), b("add", 2, 2)], b("xsum")), a("add", 3, 3)], b("xsum"))',
    value: 12,
  },
  {
    name: 'a group in a chord',
    here: (a, b) => chord([group(a('add', 1, 1), b('add', 2, 2)), b('add', 3, 3)], a('xsum')),
    python: 'chord([group(a("add", 1, 1), b("add", 2, 2)), b("add", 3, 3)], a("xsum"))',
    value: 12,
  },
  {
    name: 'a chain that ends in a group in a chord',
    here: (a, b) => chord([chain(a('add', 1, 1), group(a('add', 2), b('add', 3))), b('add', 4, 4)], a('same')),
    // Python 5.2 waits for itself.
    value: [[4, 5], 8],
  },
  {
    name: 'a chord whose body is a chain',
    here: (a, b) => chord([a('add', 1, 2), b('mul', 3, 4)], chain(b('xsum'), a('mul', 2))),
    python: 'chord([a("add", 1, 2), b("mul", 3, 4)], chain(b("xsum"), a("mul", 2)))',
    value: 30,
  },
  {
    name: 'a chord whose body is a group',
    here: (a, b) => chord([a('add', 1, 2), b('mul', 3, 4)], group(a('xsum'), b('xsum'))),
    python: 'chord([a("add", 1, 2), b("mul", 3, 4)], group(a("xsum"), b("xsum")))',
    value: [15, 15],
  },
  {
    name: 'a chord after a chord',
    here: (a, b) =>
      chain(chord([a('add', 1, 1), b('add', 2, 2)], a('xsum')), chord([a('add', 1), b('add', 2)], b('xsum'))),
    python: 'chain(chord([a("add", 1, 1), b("add", 2, 2)], a("xsum")), chord([a("add", 1), b("add", 2)], b("xsum")))',
    value: 15,
  },
  {
    name: 'a chord in a chain',
    here: (a, b) => chain(a('add', 1, 1), chord([b('add', 1), a('add', 2)], b('xsum')), a('mul', 2)),
    python: 'chain(a("add", 1, 1), chord([b("add", 1), a("add", 2)], b("xsum")), a("mul", 2))',
    value: 14,
  },
  {
    name: 'what takes no value from before it',
    here: (a, b) =>
      chain(a('add', 1, 1), b.si('add', 2, 2), chord([a.si('add', 3, 3), b.si('add', 1, 1)], b.si('add', 4, 4))),
    python:
      'chain(a("add", 1, 1), b.si("add", 2, 2), chord([a.si("add", 3, 3), b.si("add", 1, 1)], b.si("add", 4, 4)))',
    value: 8,
  },
  {
    name: 'a task that gives its place to a task',
    here: (a, b) => chain(a('replaced', 5), b('add', 1)),
    python: 'chain(a("replaced", 5), b("add", 1))',
    value: 106,
  },
  {
    name: 'a task that gives its place to a chain',
    here: (a, b) => chain(a('replaced_by_chain', 5), b('add', 1)),
    python: 'chain(a("replaced_by_chain", 5), b("add", 1))',
    value: 13,
  },
  {
    name: 'a task that gives its place to a group',
    here: (a, b) => chain(a('replaced_by_group', 5), b('xsum')),
    python: 'chain(a("replaced_by_group", 5), b("xsum"))',
    value: 12,
  },
  {
    name: 'a task that gives its place to a chord',
    here: (a, b) => chain(a('replaced_by_chord', 5), b('add', 1)),
    python: 'chain(a("replaced_by_chord", 5), b("add", 1))',
    value: 14,
  },
  {
    name: 'members of a chord that give their places',
    here: (a, b) =>
      chord(
        [a('replaced', 5), b('replaced_by_chain', 5), a('replaced_by_group', 5), b('replaced_by_chord', 5)],
        b('same'),
      ),
    python:
      'chord([a("replaced", 5), b("replaced_by_chain", 5), a("replaced_by_group", 5), b("replaced_by_chord", 5)], b("same"))',
    // In one order only: Python 5.2 forgets that of such a group.
    value: [105, 12, [6, 6], 13],
  },
  {
    name: 'a member of a chord that adds another',
    here: (a, b) => chord([a('joined', 5), b('add', 1, 1)], b('xsum')),
    python: 'chord([a("joined", 5), b("add", 1, 1)], b("xsum"))',
    value: 113,
  },
  {
    name: 'members whose results are not kept',
    here: (a, b) =>
      chord([a('add', 1, 2).set({ ignoreResult: true }), b('add', 3, 4).set({ ignoreResult: true })], a('xsum')),
    python: 'chord([a("add", 1, 2, ignore_result=True), b("add", 3, 4, ignore_result=True)], a("xsum"))',
    value: 10,
  },
  {
    name: 'a step with a priority of its own',
    here: (a, b) => chain(a('add', 1, 1), b.si('priority').set({ priority: 3 })),
    python: 'chain(a("add", 1, 1), b.si("priority").set(priority=3))',
    value: 3,
  },
  {
    name: 'a step that tries again',
    here: (a, b) => chain(a('add', 3, 4), b('flaky'), a('mul', 2)),
    python: 'chain(a("add", 3, 4), b("flaky"), a("mul", 2))',
    value: 14,
  },
]

interface Failing extends Workflow {
  /** Behind its result. */
  readonly error: string
}

const failing: Failing[] = [
  {
    name: 'the first step of a chain',
    here: (a, b) => chain(a('boom', 'no'), b('add', 1), a('mul', 2)),
    python: 'chain(a("boom", "no"), b("add", 1), a("mul", 2))',
    error: 'ValueError',
  },
  {
    name: 'a step of a chain before a chord',
    here: (a, b) => chain(a('add', 1, 1), b.si('boom', 'no'), chord([a('add', 1), b('add', 1)], a('xsum'))),
    python: 'chain(a("add", 1, 1), b.si("boom", "no"), chord([a("add", 1), b("add", 1)], a("xsum")))',
    places: ['ts and ts', 'py and ts'],
    error: 'ValueError',
  },
  {
    name: 'a member of a chord',
    here: (a, b) => chord([a('add', 1, 1), b('boom', 'no')], a('xsum')),
    python: 'chord([a("add", 1, 1), b("boom", "no")], a("xsum"))',
    error: 'ChordError',
  },
  {
    name: 'all members of a chord',
    here: (a, b) => chord([a('boom', 'no'), b('boom', 'no')], b('xsum')),
    python: 'chord([a("boom", "no"), b("boom", "no")], b("xsum"))',
    error: 'ChordError',
  },
  {
    name: 'a step of a chain in a chord',
    here: (a, b) => chord([chain(a('boom', 'no'), b('add', 1)), b('add', 1, 1)], a('xsum')),
    python: 'chord([chain(a("boom", "no"), b("add", 1)), b("add", 1, 1)], a("xsum"))',
    error: 'ChordError',
  },
  {
    name: 'a member of a chord whose body is a chain',
    here: (a, b) => chord([a('boom', 'no'), b('add', 1, 1)], chain(b('xsum'), a('mul', 2))),
    python: 'chord([a("boom", "no"), b("add", 1, 1)], chain(b("xsum"), a("mul", 2)))',
    places: ['ts and ts'],
    error: 'ChordError',
  },
  {
    name: 'a member of a chord in a chain',
    here: (a, b) => chain(a('add', 1, 1), chord([b('add', 1), a.si('boom', 'no')], b('xsum')), a('mul', 2)),
    python: 'chain(a("add", 1, 1), chord([b("add", 1), a.si("boom", "no")], b("xsum")), a("mul", 2))',
    places: ['ts and ts'],
    error: 'ChordError',
  },
  {
    name: 'a member of a chord in a chord',
    here: (a, b) => chord([chord([a('boom', 'no'), b('add', 2, 2)], b('xsum')), a('add', 3, 3)], b('xsum')),
    python: 'chord([chord([a("boom", "no"), b("add", 2, 2)], b("xsum")), a("add", 3, 3)], b("xsum"))',
    places: ['ts and ts'],
    error: 'ChordError',
  },
  {
    name: 'the body of a chord',
    here: (a, b) => chord([a('add', 1, 1), b('add', 1, 1)], chain(b.si('boom', 'no'), a('mul', 2))),
    python: 'chord([a("add", 1, 1), b("add", 1, 1)], chain(b.si("boom", "no"), a("mul", 2)))',
    error: 'ValueError',
  },
  {
    name: 'a member that nobody knows',
    here: (a, b) => chord([a('nope'), b('add', 2, 2)], b('xsum')),
    python: 'chord([a("nope"), b("add", 2, 2)], b("xsum"))',
    places: ['ts and ts', 'ts and py'],
    error: 'ChordError',
  },
]

/** Tell the id of the workflow's result, and how they were called. */
const note = signature('tasks.note', [], { options: { queue: 'ts' } })
const tell = signature('tasks.tell', [], { options: { queue: 'py' } })
const rescue = signature('tasks.rescue')

interface Telling extends Workflow {
  readonly notes: readonly string[]
}

const telling: Telling[] = [
  {
    name: 'a link',
    here: (a) => a('own_id').link(note),
    python: 'a("own_id").set(link=[note])',
    notes: ['note'],
  },
  {
    name: 'a link of another worker',
    here: (a, b) => a('own_id').link(b('same').link(note)),
    python: 'a("own_id").set(link=[b("same").set(link=[note])])',
    notes: ['note'],
  },
  {
    name: 'a link that is a chain',
    here: (a, b) => a('own_id').link(chain(b('same'), note)),
    python: 'a("own_id").set(link=[chain(b("same"), note)])',
    notes: ['note'],
  },
  {
    name: 'two links',
    here: (a, b) => a('own_id').link(note).link(b('same').link(note)),
    python: 'a("own_id").set(link=[note, b("same").set(link=[note])])',
    notes: ['note', 'note'],
  },
  {
    name: 'an error link that TypeScript runs',
    here: (a) => a('boom', 'no').linkError(note),
    python: 'a("boom", "no").set(link_error=[note])',
    notes: ['note'],
  },
  {
    name: 'an error link that Python runs',
    here: (a) => a('boom', 'no').linkError(tell),
    python: 'a("boom", "no").set(link_error=[tell])',
    notes: ['tell'],
  },
  {
    name: 'an error link that is called in place',
    here: (a) => a('boom', 'no').linkError(rescue),
    python: 'a("boom", "no").set(link_error=[rescue])',
    notes: ['no'],
  },
  {
    name: 'an error link of a chain',
    here: (a, b) => chain(a('same', 'no'), b('boom')).linkError(note),
    python: 'chain(a("same", "no"), b("boom")).on_error(note)',
    notes: ['note'],
  },
  {
    name: 'an error link of the body of a chord',
    here: (a, b) => chord([a('boom', 'no'), b('add', 1, 1)], b('xsum').linkError(note)),
    python: 'chord([a("boom", "no"), b("add", 1, 1)], b("xsum").set(link_error=[note]))',
    notes: ['note'],
  },
  {
    name: 'one that Python runs',
    here: (a, b) => chord([a('boom', 'no'), b('add', 1, 1)], b('xsum').linkError(tell)),
    python: 'chord([a("boom", "no"), b("add", 1, 1)], b("xsum").set(link_error=[tell]))',
    notes: ['tell'],
  },
  {
    name: 'one that is called in place',
    here: (a, b) => chord([a('boom', 'no'), b('add', 1, 1)], b('xsum').linkError(rescue)),
    python: 'chord([a("boom", "no"), b("add", 1, 1)], b("xsum").set(link_error=[rescue]))',
    notes: ["Dependency ID raised ValueError('no')"],
  },
]

const brokers = [
  { name: 'Redis', open: freshRedisUrl },
  { name: 'RabbitMQ', open: freshAmqpUrl },
]

describe.each(brokers)('over $name', ({ open }) => {
  describeWith(['redis', 'rabbitmq', 'python'], 'workflows of Python and TypeScript', () => {
    const peers = startPeers(open, freshRedisUrl)
    let app: Celery
    let python: PythonClient
    beforeAll(() => {
      ;({ app, python } = peers)
    })

    describe.each(workflows)('$name', (workflow) => {
      const each = inEach(workflow, workflow.value)

      it('comes out when TypeScript starts it', async () => {
        const value = (result: Result) => result.get({ timeout: 5 }).catch(String)
        expect(await peers.outcomes(workflow, value)).toEqual(each)
      })

      it.skipIf(workflow.python === undefined)('comes out when Python starts it', async () => {
        expect(await peers.fromPython(workflow, 'outcome')).toEqual(each)
      })
    })

    describe.each(telling)('$name', (workflow) => {
      const each = inEach(workflow, workflow.notes)

      it('is called once when TypeScript starts it', async () => {
        expect(await notesOn(await peers.outcomes(workflow, async ({ id }) => id))).toEqual(each)
      })

      it('is called once when Python starts it', async () => {
        expect(await notesOn(await peers.fromPython(workflow, 'id_of'))).toEqual(each)
      })

      async function notesOn(ids: Record<string, string>): Promise<unknown> {
        const of = (id: string) => notes.filter((note) => note.id === id).map(({ how }) => how)
        const isComplete = () => Object.values(ids).every((id) => of(id).length >= workflow.notes.length)
        await until(isComplete, { describe: () => `all notes of ${JSON.stringify(ids)}` })
        await Promise.all(['py', 'ts'].map((queue) => app.send(on(queue)('same', 1)).get({ timeout: 5 })))
        return Object.fromEntries(Object.entries(ids).map(([place, id]) => [place, of(id)]))
      }
    })

    describe('their results', () => {
      const mixed = () => chain(on('ts')('add', 2, 2), on('py')('add', 5), on('ts')('mul', 8))
      const pythons = 'chain(On("py")("add", 2, 2), On("ts")("add", 5), On("py")("mul", 8))'

      it('show Python each step of a chain that TypeScript started', async () => {
        const result = await app.send(mixed())
        expect(await result.get({ timeout: 5 })).toBe(72)
        await python.eval(`result = ${inPython(result)}`)
        expect(await python.eval('[r.get(timeout=5) for r in (result, result.parent, result.parent.parent)]')).toEqual([
          72, 9, 4,
        ])
        expect(await python.eval('[value for _, value in result.parent.parent.collect(timeout=5)]')).toEqual([4, 9, 72])
      })

      it('show TypeScript each step of a chain that Python started', async () => {
        const tuple = await python.eval<ResultTuple>(`result = ${pythons}.apply_async()\nresult.as_tuple()`)
        const result = resultFromTuple(tuple, app.results) as AsyncResult
        const first = result.parent?.parent as AsyncResult
        expect(await result.get({ timeout: 5 })).toBe(72)
        expect(await result.parent?.get({ timeout: 5 })).toBe(9)
        const values: unknown[] = []
        for await (const [, value] of first.collect({ timeout: 5 })) values.push(value)
        expect(values).toEqual([4, 9, 72])
      })

      it('show Python the header of a chord behind its body', async () => {
        const result = await app.send(chord([on('py')('add', 1, 2), on('ts')('mul', 3, 4)], on('py')('xsum')))
        await result.get({ timeout: 5 })
        await python.eval(`result = ${inPython(result)}`)
        expect(await python.eval('[result.get(timeout=5), result.parent.join(timeout=5)]')).toEqual([15, [3, 12]])
      })

      it('are found again by Python in a group that TypeScript saved', async () => {
        const result = await app.send(group(mixed(), on('py')('add', 1, 1)))
        await result.save()
        const restored = `restored = GroupResult.restore("${result.id}", app=app)`
        expect(await python.eval(`${restored}\nrestored.join(timeout=5)`)).toEqual([72, 2])
        expect(await python.eval('restored.results[0].parent.get(timeout=5)')).toBe(9)
        await result.delete()
        expect(await python.eval(`GroupResult.restore("${result.id}", app=app)`)).toBeNull()
      })

      it('are found again by TypeScript in a group that Python saved', async () => {
        const started = `saved = group(${pythons}, On("ts")("add", 1, 1)).apply_async()`
        const id = await python.eval<string>(`${started}\nsaved.save()\nsaved.id`)
        const restored = await app.restoreGroup(id)
        expect(await restored?.get({ timeout: 5 })).toEqual([72, 2])
        expect(await restored?.results[0]?.parent?.get({ timeout: 5 })).toBe(9)
      })
    })

    describe('a member of a chord that never runs ends it', () => {
      const without = (id: string, queue: string, options: object) => {
        const member = on(queue)('add', 1, 1).set({ taskId: id, ...options })
        return chord([member, on('ts')('add', 2, 2)], on('py')('xsum'))
      }
      const failure = { name: 'ChordError', message: expect.stringMatching(/^Dependency .* raised TaskRevokedError/) }

      it.each(['ts', 'py'])('when the worker %s finds it expired', async (queue) => {
        const result = await app.send(without(randomUUID(), queue, { expires: 0.1, countdown: 0.2 }))
        await expect(result.get({ timeout: 5 })).rejects.toMatchObject(failure)
      })

      it.each(['ts', 'py'])('when the worker %s finds it revoked', async (queue) => {
        const id = randomUUID()
        await app.control.revoke(id, { reply: true, timeout: 0.5 })
        const result = await app.send(without(id, queue, {}))
        await expect(result.get({ timeout: 5 })).rejects.toMatchObject(failure)
      })
    })

    it('stamps stay on the steps that TypeScript hands over, and Python 5.2, which knows none, goes on', async () => {
      const [a, b] = [on('ts'), on('py')]
      const steps = chain(a('add', 1, 1), a.si('stamps'), b('same'), a('same')).stamp({ customer: 'acme' })
      expect(await app.send(steps).get({ timeout: 5 })).toEqual({ customer: 'acme' })
    })

    describe.each(failing)('the failure of $name', (workflow) => {
      const each = inEach(workflow, workflow.error)

      it('ends it when TypeScript started it', async () => {
        const error = async (result: Result) =>
          (await result.get({ timeout: 5, propagate: false }).catch((error) => error)) as Error
        expect(await peers.outcomes(workflow, async (result) => (await error(result)).name)).toEqual(each)
      })

      it('ends it when Python started it', async () => {
        expect(await peers.fromPython(workflow, 'failure')).toEqual(each)
      })
    })
  })
})

describeWith(['redis', 'postgresql', 'python'], 'chords whose results are in a database', () => {
  const peers = startPeers(freshRedisUrl, async () => `db+${await freshPostgresqlUrl()}`)
  const names = ['a chord', 'a group in a chord', 'a chord in a chord', 'a chord in a chain', 'chains in a chord']
  const chosen = workflows.filter(({ name }) => names.includes(name))
  const values = Object.fromEntries(chosen.map((workflow) => [workflow.name, inEach(workflow, workflow.value)]))
  const [failed] = failing.filter(({ name }) => name === 'a member of a chord') as [Failing]

  it('come out when TypeScript starts them', async () => {
    const value = (result: Result) => result.get({ timeout: 20 }).catch(String)
    const seen = chosen.map(async (workflow) => [workflow.name, await peers.outcomes(workflow, value)])
    expect(Object.fromEntries(await Promise.all(seen))).toEqual(values)
  })

  it('come out when Python starts them', async () => {
    const seen = chosen.map(async (workflow) => [workflow.name, await peers.fromPython(workflow, 'outcome')])
    expect(Object.fromEntries(await Promise.all(seen))).toEqual(values)
  })

  it('fail with a member, whoever starts them', async () => {
    const error = (result: Result) => result.get({ timeout: 20 }).catch(({ name }) => name)
    const seen = await Promise.all([peers.outcomes(failed, error), peers.fromPython(failed, 'failure')])
    expect(seen).toEqual(Array(2).fill(inEach(failed, failed.error)))
  })
})

/** A worker and a client of each language, for the tests of this block. */
function startPeers(openBroker: () => Promise<string>, openBackend: () => Promise<string>) {
  let app: Celery
  let here: Worker
  let there: Program
  let python: PythonClient

  beforeAll(async () => {
    const [broker, backend] = await Promise.all([openBroker(), openBackend()])
    const settings = { result_chord_retry_interval: 0.1 }
    app = new Celery('canvas', { brokerUrl: broker, resultBackend: backend, ...settings })
    defineTasks(app)
    here = new Worker(app, { hostname: 'ts@canvas', queues: ['ts', 'celery'] })
    ;[there, python] = await Promise.all([
      startPythonWorker({ broker, backend, queues: ['py'], settings }),
      pythonClient({ broker, backend, settings }),
      here.start(),
    ])
    await python.eval(helpers)
  })

  afterAll(async () => {
    await python.stop()
    await there.stop()
    await here.stop()
    await app.close()
  })

  return {
    get app() {
      return app
    },
    get python() {
      return python
    },
    /** What becomes of a workflow in each place, started here. */
    async outcomes({ here, places = everywhere }: Workflow, of: (result: Result) => Promise<unknown>) {
      const run = async (place: Place) => {
        const [a = '', b = ''] = place.split(' and ')
        return [place, await app.send(here(on(a), on(b))).then(of)]
      }
      return Object.fromEntries(await Promise.all(places.map(run)))
    },
    /** The same, started in Python. */
    fromPython({ python: source, places = everywhere }: Workflow, of: 'outcome' | 'failure' | 'id_of') {
      return python.eval<Record<string, string>>(`outcomes(lambda a, b: ${source}, ${JSON.stringify(places)}, ${of})`)
    },
  }
}

const anyId = /[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/

const notes: { id: string; how: string }[] = []

/** The result in Python, as it would be handed over. */
const inPython = (result: Result) =>
  `result_from_tuple(json.loads(${JSON.stringify(JSON.stringify(result.toTuple()))}), app=app)`

const inEach = ({ places = everywhere }: Workflow, expected: unknown) =>
  Object.fromEntries(places.map((place) => [place, expected]))

function on(queue: string): On {
  const call = (task: string, ...args: unknown[]) => signature<never>(`tasks.${task}`, args, { options: { queue } })
  const si = (task: string, ...args: unknown[]) =>
    signature<never>(`tasks.${task}`, args, { options: { queue }, immutable: true })
  return Object.assign(call, { queue, si })
}

/** The same in Python. */
const helpers = `
import time

from celery import xmap, xstarmap
from celery.result import result_from_tuple

note = app.signature('tasks.note', queue='ts')
tell = app.signature('tasks.tell', queue='py')
rescue = app.signature('tasks.rescue')
pairs = ${JSON.stringify(pairs)}

class On:
    def __init__(self, queue):
        self.queue = queue

    def __call__(self, task, *args, **options):
        return app.signature('tasks.' + task, args=args, queue=self.queue, **options)

    def si(self, task, *args):
        return self(task, *args, immutable=True)

def wait(result):
    deadline = time.monotonic() + 20
    while not result.ready() and time.monotonic() < deadline:
        time.sleep(0.01)

def outcome(result):
    wait(result)
    try:
        return getattr(result, 'join', result.get)(timeout=0.1)
    except Exception as error:
        return f'{type(error).__name__}: {error}'

def id_of(result):
    return result.id

def failure(result):
    wait(result)
    return type(result.result).__name__ if result.state == 'FAILURE' else result.state

def outcomes(make, places, of):
    started = {place: make(*map(On, place.split(' and '))).apply_async() for place in places}
    return {place: of(result) for place, result in started.items()}
`

/** The tasks of test/support/python/tasks.py, in TypeScript. */
function defineTasks(app: Celery): void {
  const bind = { bind: true } as const
  const add = app.task('tasks.add', (x: number, y: number) => x + y)
  const xsum = app.task('tasks.xsum', (numbers: number[]) => numbers.reduce((sum, n) => sum + n, 0))
  app.task('tasks.mul', (x: number, y: number) => x * y)
  app.task('tasks.same', (value: unknown) => value)
  app.task('tasks.boom', (message: string) => {
    throw Object.assign(new Error(message), { name: 'ValueError' })
  })
  app.task('tasks.priority', (self) => self.request.priority, bind)
  app.task('tasks.flaky', (self, x: number) => (self.request.retries ? x : self.retry({ countdown: 0 })), bind)
  app.task('tasks.stamps', (self) => self.request.stamps, bind)
  app.task('tasks.own_id', (self) => self.request.id, bind)
  app.task('tasks.note', (id: string, how = 'note') => void notes.push({ id, how: how.replace(anyId, 'ID') }))
  const onError = (request: TaskRequest, error: Error) =>
    void notes.push({ id: request.id, how: error.message.replace(anyId, 'ID') })
  app.task('tasks.rescue', onError, { errback: true })
  const here = { queue: 'ts' }
  const plus = (x: number, y: number) => add.s(x, y).set(here)
  app.task('tasks.replaced', (self, x: number) => self.replace(plus(x, 100)), bind)
  app.task('tasks.replaced_by_chain', (self, x: number) => self.replace(chain(plus(x, 1), add.s(6).set(here))), bind)
  app.task('tasks.replaced_by_group', (self, x: number) => self.replace(group(plus(x, 1), plus(x, 1))), bind)
  app.task(
    'tasks.replaced_by_chord',
    (self, x: number) => self.replace(chord([plus(x, 1), plus(x, 2)], xsum.s().set(here))),
    bind,
  )
  app.task(
    'tasks.joined',
    async (self, x: number) => {
      await self.addToChord(plus(x, 101))
      return x
    },
    bind,
  )
}
