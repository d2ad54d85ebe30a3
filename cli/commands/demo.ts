import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AsyncResult, type Celery, type Event, loadApp, type ResultMeta, shortName } from '../../src/index.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { feed } from '../feed.ts'
import { onAbort } from '../interrupt.ts'
import type { Paint, Tone } from '../output/paint.ts'
import { sanitize } from '../output/sanitize.ts'
import { seconds } from '../output/stack-text.ts'
import { openProjectStack } from '../project.ts'
import { linkRunningCopy } from '../scaffold/install.ts'
import { defaultAnswers, planScaffold } from '../scaffold/plan.ts'
import { writeScaffold } from '../scaffold/write.ts'

/** What the demo sends: a result, progress, a retry, a failure. */
const calls: readonly [task: string, args: readonly unknown[]][] = [
  ['arithmetics.add', [2, 3]],
  ['geometry.survey', [3]],
  ['geometry.measure', [12]],
  ['arithmetics.div', [1, 0]],
]

type Happening =
  | { type: 'stage'; text: string }
  | { type: 'ready'; containers: readonly string[] }
  | { type: 'task'; call: string; happened: string; worker: string; detail: string }
  | { type: 'traceback'; call: string; traceback: string }
  | { type: 'summary'; result: string; id: string }

/** A happening, and how long after the beginning. */
type DemoEvent = Happening & { readonly atMs: number }

export const command = defineCommand({
  options: {},
  examples: ['npx celery-sandbox demo'],

  async *run(context): AsyncIterable<DemoEvent> {
    const startedAt = performance.now()
    const home = await mkdtemp(join(tmpdir(), 'celery-sandbox-demo-'))
    try {
      for await (const happening of demonstrate(context, home)) {
        yield { ...happening, atMs: Math.round(performance.now() - startedAt) }
      }
    } finally {
      await rm(home, { recursive: true, force: true })
    }
  },

  text: demoText,
})

async function* demonstrate(context: Context, home: string): AsyncIterable<Happening> {
  const plan = planScaffold({ ...defaultAnswers, name: 'demo' }, home)
  await writeScaffold(plan, { force: false, finish: linkRunningCopy })
  yield { type: 'stage', text: `made a project: ${plan.files.length} files, its tasks in tasks/` }
  const place = { ...context, cwd: plan.directory }
  const stack = await openProjectStack(place, { engine: 'embedded', scratch: home })
  try {
    yield { type: 'stage', text: 'starting brokers and two workers (embedded engine: nothing installed)' }
    await drain(stack.up())
    yield { type: 'ready', containers: (await stack.ps()).map(({ name }) => name) }
    Object.assign(process.env, await stack.environment())
    const { app } = await loadApp(undefined, plan.directory)
    try {
      yield* watchTasks(app, context)
    } finally {
      await app.close()
    }
  } finally {
    await stack.close()
    await takeDown(place)
  }
}

// Not by the context's signal: what was started is taken down also after Ctrl-C.
async function takeDown(place: Context): Promise<void> {
  const stack = await openProjectStack(place, { engine: 'embedded' }, new AbortController().signal)
  await drain(stack.down({ volumes: true, timeoutSeconds: 2 }))
  await stack.close()
}

async function drain(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of events);
}

/** Sends the calls, and tells what monitors and results say of them until each has ended. */
async function* watchTasks(app: Celery, { signal }: Context): AsyncIterable<Happening> {
  const happenings = feed<Happening>()
  onAbort(signal, () => happenings.fail(signal.reason))
  const labels = new Map<string, string>()
  let left = calls.length
  await app.events.receive((event) => {
    const call = labels.get(String(event.uuid))
    if (call === undefined) return
    for (const happening of describe(event, call)) happenings.push(happening)
    if (/^task-(succeeded|failed)$/.test(event.type)) left -= 1
    if (left === 0) happenings.end()
  })
  const results: AsyncResult[] = []
  for (const [name, args] of calls) {
    const sending = app.sendTask(name, { args })
    const call = `${shortName(name)}(${args.join(', ')})`
    labels.set(sending.id, call)
    const result = await sending
    results.push(result)
    const onMessage = (meta: ResultMeta) => {
      if (meta.status === 'PROGRESS') happenings.push(progress(call, meta.result))
    }
    result.get({ onMessage, propagate: false }).catch(happenings.fail)
  }
  yield* happenings
  const [first] = results
  if (first) yield { type: 'summary', result: `add(2, 3) → ${await first.get()}`, id: first.id }
}

function progress(call: string, meta: unknown): Happening {
  const detail = Object.entries(meta ?? {})
    .flat()
    .join(' ')
  return { type: 'task', call, happened: 'progress', worker: '', detail }
}

function describe(event: Event, call: string): Happening[] {
  const worker = event.hostname.replace(/^celery@demo-/, '')
  const task = (happened: string, detail = ''): Happening => ({ type: 'task', call, happened, worker, detail })
  switch (event.type) {
    case 'task-started':
      return [task('started')]
    case 'task-retried':
      return [task('will be tried again', String(event.exception))]
    case 'task-succeeded':
      return [task('succeeded', `→ ${event.result}`)]
    case 'task-failed':
      return [task('failed', String(event.exception)), { type: 'traceback', call, traceback: String(event.traceback) }]
    default:
      return []
  }
}

const tones: Record<string, Tone> = { succeeded: 'good', failed: 'bad', 'will be tried again': 'warn' }

function demoText(event: DemoEvent, paint: Paint): string {
  const time = paint.dim(`${seconds(event.atMs).padStart(6)} `)
  switch (event.type) {
    case 'stage':
      return `${time} ${event.text}`
    case 'ready':
      return `${time} ready: ${event.containers.map((name) => paint.name(name)).join(', ')}\n`
    case 'task': {
      const happened = paint[tones[event.happened] ?? 'dim'](event.happened)
      return `${time} ${event.call.padEnd(12)} ${event.worker.padEnd(9)} ${happened} ${sanitize(event.detail)}`.trimEnd()
    }
    case 'traceback':
      return paint.dim(sanitize(event.traceback).replace(/^/gm, ' '.repeat(22)))
    case 'summary':
      return [
        '',
        `${paint.good('✓')} ${paint.strong(event.result)}  ${paint.dim(`task ${event.id}, ${seconds(event.atMs)} in all`)}`,
        '  The project, the broker and the workers are gone again. To keep one:',
        '',
        `    ${paint.name('npx celery-sandbox init shop && cd shop')}`,
        `    ${paint.name('npx celery-sandbox up -d')}`,
        `    ${paint.name("npx celery-sandbox repl -e 'await add.delay(4, 4).get()'")}`,
      ].join('\n')
  }
}
