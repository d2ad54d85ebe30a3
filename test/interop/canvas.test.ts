import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Canvas } from '../../src/canvas/canvas.ts'
import { chain, chord, chunks, group, map, type Signature, signature, starmap } from '../../src/canvas/signature.ts'
import { Celery } from '../../src/celery.ts'
import type { Result } from '../../src/result/result.ts'
import { Worker } from '../../src/worker/worker.ts'
import { freshAmqpUrl, freshRedisUrl } from '../support/fresh.ts'
import { describeWith } from '../support/parts.ts'
import type { Program } from '../support/process.ts'
import { type PythonClient, pythonClient } from '../support/python/client.ts'
import { startPythonWorker } from '../support/python/worker.ts'

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

const brokers = [
  { name: 'Redis', open: freshRedisUrl },
  { name: 'RabbitMQ', open: freshAmqpUrl },
]

describe.each(brokers)('over $name', ({ open }) => {
  describeWith(['redis', 'rabbitmq', 'python'], 'workflows of Python and TypeScript', () => {
    let app: Celery
    let here: Worker
    let there: Program
    let python: PythonClient

    beforeAll(async () => {
      const [broker, backend] = await Promise.all([open(), freshRedisUrl()])
      app = new Celery('canvas', { brokerUrl: broker, resultBackend: backend })
      defineTasks(app)
      here = new Worker(app, { hostname: 'ts@canvas', queues: ['ts', 'celery'] })
      ;[there, python] = await Promise.all([
        startPythonWorker({ broker, backend, queues: ['py'] }),
        pythonClient({ broker, backend }),
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

    /** What becomes of a workflow in each place, started here. */
    async function outcomes({ here, places = everywhere }: Workflow, of: (result: Result) => Promise<unknown>) {
      const run = async (place: Place) => {
        const [a = '', b = ''] = place.split(' and ')
        return [place, await app.send(here(on(a), on(b))).then(of)]
      }
      return Object.fromEntries(await Promise.all(places.map(run)))
    }

    const fromPython = ({ python: source, places = everywhere }: Workflow, of: 'outcome' | 'failure') =>
      python.eval(`outcomes(lambda a, b: ${source}, ${JSON.stringify(places)}, ${of})`)

    describe.each(workflows)('$name', (workflow) => {
      const each = inEach(workflow, workflow.value)

      it('comes out when TypeScript starts it', async () => {
        const value = (result: Result) => result.get({ timeout: 5 }).catch(String)
        expect(await outcomes(workflow, value)).toEqual(each)
      })

      it.skipIf(workflow.python === undefined)('comes out when Python starts it', async () => {
        expect(await fromPython(workflow, 'outcome')).toEqual(each)
      })
    })

    describe.each(failing)('the failure of $name', (workflow) => {
      const each = inEach(workflow, workflow.error)

      it('ends it when TypeScript started it', async () => {
        const error = async (result: Result) =>
          (await result.get({ timeout: 5, propagate: false }).catch((error) => error)) as Error
        expect(await outcomes(workflow, async (result) => (await error(result)).name)).toEqual(each)
      })

      it('ends it when Python started it', async () => {
        expect(await fromPython(workflow, 'failure')).toEqual(each)
      })
    })
  })
})

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

pairs = ${JSON.stringify(pairs)}

class On:
    def __init__(self, queue):
        self.queue = queue

    def __call__(self, task, *args, **options):
        return app.signature('tasks.' + task, args=args, queue=self.queue, **options)

    def si(self, task, *args):
        return self(task, *args, immutable=True)

def wait(result):
    deadline = time.monotonic() + 5
    while not result.ready() and time.monotonic() < deadline:
        time.sleep(0.01)

def outcome(result):
    wait(result)
    try:
        return result.get(timeout=0.1)
    except Exception as error:
        return f'{type(error).__name__}: {error}'

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
    throw new RangeError(message)
  })
  app.task('tasks.priority', (self) => self.request.priority, bind)
  app.task('tasks.flaky', (self, x: number) => (self.request.retries ? x : self.retry({ countdown: 0 })), bind)
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
