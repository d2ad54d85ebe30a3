import { StackError } from '../../compose/index.ts'
import {
  type Celery,
  type DeadLetter,
  decodeTask,
  type FoundMessage,
  messageOf,
  type QueueInfo,
  type Replies,
  type RequestInfo,
  type ScheduledInfo,
  type TaskMessage,
  type TaskPlace,
  type Transport,
} from '../../src/index.ts'
import { type LogEvent, logEvents } from '../commands/logs.ts'
import type { Context } from '../context.ts'
import { openProjectStack, type StackChoice } from '../project.ts'
import type { Facts, Held, Placed } from './facts.ts'

interface Asked extends StackChoice {
  /** Looked at beside those that the app declares, workers serve, or that are bound. */
  readonly queues?: readonly string[] | undefined
  /** Seconds to wait for workers. */
  readonly timeout?: number | undefined
}

/**
 * Asks everyone about a task, in the direction in which tasks go: first the broker, then the workers, then who keeps
 * results. So it cannot slip through between two questions.
 */
export async function gather(app: Celery, id: string, asked: Asked, context: Context): Promise<Facts> {
  const gaps: string[] = []
  const attempt = async <T>(what: string, asking: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await asking
    } catch (error) {
      context.signal.throwIfAborted()
      gaps.push(`${what}: ${messageOf(error)}`)
      return otherwise
    }
  }
  const transport = await app.transport()
  const inspect = app.control.inspect({ timeout: asked.timeout ?? 1, signal: context.signal })
  const serving = await inspect.activeQueues()
  if (Object.keys(serving).length === 0) gaps.push('the workers: none answered')
  const depths = await depthsOf(transport, await queueNames(app, transport, serving, asked.queues ?? []))
  const found = await attempt('the queues', transport.find(id, [...depths.keys()]), undefined)
  const [places, scheduled, revoked] = await Promise.all([
    ...([inspect.queryTask(id), inspect.scheduled(), inspect.revoked()] as const),
  ])
  const [result, letters, log] = await Promise.all([
    attempt('the result', app.asyncResult(id).meta(), undefined),
    attempt<DeadLetter[]>('the dead letters', transport.deadLetters(), []),
    attempt<LogEvent[]>('the logs', readLog(id, asked, context), []),
  ])
  context.signal.throwIfAborted()
  return {
    id,
    result,
    messages: (found ?? []).map((message) => placed(message, depths, app.conf.acceptContent)),
    held: heldBy(id, places, scheduled),
    revokedBy: Object.entries(revoked).flatMap(([node, ids]) => (listOf(ids).includes(id) ? [node] : [])),
    letters: letters.filter(({ headers }) => headers.id === id),
    log,
    gaps,
    unseen: found ? undefined : [...depths.values()].reduce((sum, depth) => sum + depth, 0),
  }
}

/** Queues in which no task waits to be run: events, commands and their answers, dead letters. */
const ofNodes = /^celeryev\.|\.pidbox$|^celery-sandbox\.dead-letter$/

async function queueNames(
  app: Celery,
  transport: Transport,
  serving: Replies<QueueInfo[]>,
  named: readonly string[],
): Promise<string[]> {
  // A queue to which something was sent is bound, also if nobody serves it. Not every RabbitMQ tells.
  const bound = await transport.bindings().catch(() => [])
  const sentTo = bound.map(({ queue }) => queue).filter((queue) => !ofNodes.test(queue))
  const declared = app.queues.defaults.map(({ name }) => name)
  const served = Object.values(serving).flatMap((queues) => listOf(queues).map(({ name }) => name))
  return [...new Set([...declared, ...served, ...sentTo, ...named])]
}

const depthsOf = async (transport: Transport, queues: readonly string[]): Promise<Map<string, number>> =>
  new Map(await Promise.all(queues.map(async (queue) => [queue, await transport.size(queue)] as const)))

function placed(
  { message, info, queue, ahead }: FoundMessage,
  depths: Map<string, number>,
  accept: readonly string[],
): Placed {
  return { queue, routingKey: info.routingKey, ahead, depth: depths.get(queue) ?? 0, call: read() }

  function read(): TaskMessage | Error {
    try {
      return decodeTask(message, accept)
    } catch (error) {
      return error instanceof Error ? error : new Error(messageOf(error))
    }
  }
}

/** Python's workers do not count what is scheduled among what they hold; ours do. */
function heldBy(
  id: string,
  places: Replies<Record<string, [TaskPlace, RequestInfo]>>,
  scheduled: Replies<ScheduledInfo[]>,
): Held[] {
  const later = Object.entries(scheduled).flatMap(([node, list]) =>
    listOf(list)
      .filter(({ request }) => request.id === id)
      .map(({ eta, request }): Held => ({ node, place: 'scheduled', eta, request })),
  )
  const others = Object.entries(places).flatMap(([node, tasks]): Held[] => {
    const [place, request] = tasks[id] ?? []
    if (!place || !request || place === 'ready' || later.some((held) => held.node === node)) return []
    return [{ node, place: place === 'active' ? 'running' : 'waiting', request }]
  })
  return [...others, ...later]
}

/** A node that cannot say answers `{error}`. */
const listOf = <T>(reply: readonly T[]): readonly T[] => (Array.isArray(reply) ? reply : [])

/** Lines of the stack in which the id stands; none outside of a project. */
async function readLog(id: string, asked: StackChoice, context: Context): Promise<LogEvent[]> {
  const stack = await openProjectStack(context, asked).catch((error: unknown) => {
    if (error instanceof StackError && error.code === 'COMPOSE_FILE_NOT_FOUND') return undefined
    throw error
  })
  if (!stack) return []
  const lines: LogEvent[] = []
  try {
    for await (const line of logEvents(stack, {}, context)) if (line.text.includes(id)) lines.push(line)
    return lines
  } finally {
    await stack.close()
  }
}
