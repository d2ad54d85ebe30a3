import { type Celery, messageOf } from '../../src/index.ts'
import { withApp } from '../app.ts'
import { appOption, defineCommand, flag, names, seconds, type Values } from '../command.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { unlessAborted } from '../interrupt.ts'
import { stackOptions } from '../project.ts'
import type { Facts } from '../trace/facts.ts'
import { type Heard, isEnd, listen, newsAfter } from '../trace/follow.ts'
import { gather } from '../trace/gather.ts'
import { type Moment, momentText, oneLine } from '../trace/moment.ts'
import { type GraphEvent, graphDot, graphText, relativesOf } from '../trace/relatives.ts'
import { type Story, storyOf, type TaskFacts, taskText } from '../trace/story.ts'

type TraceEvent =
  | TaskFacts
  | Moment
  | GraphEvent
  | { readonly type: 'dot'; readonly dot: string }
  /** Somebody who might know more could not be asked. */
  | { readonly type: 'gap'; readonly what: string }

const options = {
  app: appOption,
  follow: flag('-f, --follow', 'go on with what comes, until the task ends'),
  dot: flag('--dot', 'only the tree of its parents and children, for Graphviz'),
  queues: names('-Q, --queues <names>', 'look in these queues too (default: all that are declared, served or bound)'),
  timeout: seconds('-t, --timeout <seconds>', 'how long to wait for workers (default: 1)'),
  ...stackOptions,
}

export const command = defineCommand({
  arguments: [['<id>', "the task's id, as call printed it"]],
  options,
  examples: [
    'celery-sandbox trace 8148dd9f-5191-40b4-92f8-43ccdafad1dc',
    'celery-sandbox trace 8148dd9f-5191-40b4-92f8-43ccdafad1dc --follow',
    'celery-sandbox trace 8148dd9f-5191-40b4-92f8-43ccdafad1dc --dot | dot -Tsvg',
  ],

  run: (context, given, [id = '']) => withApp(context, given, (app) => trace(app, id, given, context)),

  text(event, paint) {
    switch (event.type) {
      case 'task':
        return taskText(event, paint)
      case 'moment':
        return momentText(event, paint)
      case 'graph':
        return graphText(event, paint)
      case 'dot':
        return event.dot
      case 'gap':
        return paint.dim(`  not known from ${oneLine(event.what)}`)
    }
  },
})

async function* trace(
  app: Celery,
  id: string,
  given: Values<typeof options>,
  context: Context,
): AsyncIterable<TraceEvent> {
  const leaving = new AbortController()
  const signal = AbortSignal.any([context.signal, leaving.signal])
  try {
    // Before anyone is asked, so that nothing is missed in between.
    const heard = given.follow ? await unlessAborted(listen(app, id, signal), signal) : undefined
    const facts = await unlessAborted(gather(app, id, given, context), context.signal)
    const story = storyOf(facts)
    if (given.dot && story) return yield await dotOf(app, story)
    if (story) yield* [story.task, ...story.moments]
    for (const what of facts.gaps) yield { type: 'gap', what }
    // What nobody has seen yet may wait where one cannot look.
    if (!story && !(heard && facts.unseen)) throw unknown(facts)
    if (heard && !story?.hasEnded) yield* news(heard, story?.moments ?? [])
    if (context.signal.aborted) return
    yield* await relatives(app, id, story)
    await unlessAborted(failAsTask(app, id), context.signal)
  } finally {
    leaving.abort()
  }
}

/** What comes after what was told, until the task ends or nobody listens any more. */
async function* news(heard: AsyncIterable<Heard>, told: readonly Moment[]): AsyncIterable<Moment> {
  const isNews = newsAfter(told)
  for await (const one of heard) {
    if (isNews(one)) yield one.moment
    if (isEnd(one.moment)) return
  }
}

async function dotOf(app: Celery, { task }: Story): Promise<TraceEvent> {
  return { type: 'dot', dot: graphDot(await relativesOf(app, task.id, task.parentId)) }
}

async function relatives(app: Celery, id: string, story: Story | undefined): Promise<TraceEvent[]> {
  try {
    return [await relativesOf(app, id, story?.task.parentId ?? null)]
  } catch (error) {
    return [{ type: 'gap', what: `the results of its relatives: ${messageOf(error)}` }]
  }
}

/** A task that failed is a failure here as well, as it is for `result`. */
async function failAsTask(app: Celery, id: string): Promise<void> {
  const result = app.asyncResult(id)
  const meta = await result.meta().catch(() => undefined)
  if (meta) await result.maybeThrow()
}

function unknown({ id, revokedBy, unseen }: Facts): CliError {
  const but = revokedBy.length > 0 ? `, though ${revokedBy.join(', ')} would not run it: it was revoked` : ''
  const what = `unknown: no queue, no worker and no result tells of the task ${id}${but}`
  return new CliError('TASK_UNKNOWN', what, unseen === undefined ? {} : { next: whereItMayBe(unseen) })
}

function whereItMayBe(unseen: number): string {
  if (unseen === 0) return 'It may wait in a queue that no worker serves: name it with -Q.'
  const which = unseen === 1 ? 'the message that waits' : `one of ${unseen} messages that wait`
  return `It may be ${which} where nobody can look; hear of it with --follow.`
}
