import { type Call, type Canvas, call, chainOf, listOf } from '../canvas/canvas.ts'
import { fromData } from '../canvas/data.ts'
import { prepare } from '../canvas/prepare.ts'
import {
  addOptions,
  callsOf,
  endsInGroup,
  withArguments,
  withLink,
  withLinkError,
  withOptions,
} from '../canvas/walk.ts'
import { CeleryError } from '../errors.ts'
import type { TaskMessage } from '../protocol/task-message.ts'

/** What a success leads to: its links, and the rest of its chain, each with the value put first. */
export function onSuccess(message: TaskMessage, value: unknown): Canvas[] {
  const next = nextOf(message)
  const following = [...(message.callbacks ?? []).map(fromData), ...(next ? [next] : [])]
  return following.map((canvas) => withArguments(canvas, [value]))
}

// A step that is one task carries what follows it unread.
function nextOf(message: TaskMessage): Canvas | undefined {
  const next = message.chain?.at(-1)
  const canvas = next && fromData(next)
  if (canvas?.kind !== 'task') return restOf(message)
  return { ...canvas, options: { ...canvas.options, chain: message.chain?.slice(0, -1) ?? [] } }
}

/** All that comes after the task in its chain. */
export function restOf({ chain }: TaskMessage): Canvas | undefined {
  if (!chain?.length) return undefined
  return prepare(chainOf(chain.map(fromData).reverse())) // the message has it in reverse
}

/** One of the results that a chord waits for. */
export interface End {
  readonly id: string
  readonly group: string
  readonly index: number | null
  readonly body: Canvas
}

/** The task as an end of a chord's header, if it is one. */
export function endOf({ id, group, groupIndex, chord }: TaskMessage): End | undefined {
  return chord && group ? { id, group, index: groupIndex, body: fromData(chord) } : undefined
}

/** Ends of a chord's header that will never come, as what leads to them does not run. */
export function endsIn(canvas: Canvas): End[] {
  return callsOf(canvas, 'end').flatMap(({ options: { taskId, groupId, groupIndex = null, chord } }) =>
    taskId && groupId && chord ? [{ id: taskId, group: groupId, index: groupIndex, body: chord }] : [],
  )
}

/** Ids of the calls of what will never run: their callers learn of it too. */
export function idsIn(canvas: Canvas): string[] {
  return callsOf(canvas, 'everywhere').flatMap(({ options: { taskId } }) => taskId ?? [])
}

/** A task that failed, as its errbacks are told of it. */
export type Failed = Pick<TaskMessage, 'id' | 'task' | 'args' | 'kwargs'> & {
  readonly errbacks: readonly Canvas[]
}

/** Who is told that the body of a chord failed, as it was never called: by each of its first calls. */
export function neverCalled(body: Canvas): Failed[] {
  return callsOf(body, 'start').map(({ task, args, kwargs, options: { taskId = '', linkError } }: Call) => ({
    id: taskId,
    task,
    args: [...args],
    kwargs: { ...kwargs },
    errbacks: listOf(linkError),
  }))
}

/**
 * The canvas that takes the task's place: what waited for the task waits for it. A group gives one list.
 *
 * @throws {CeleryError} UNSUPPORTED for an empty one
 */
export function replacing(message: TaskMessage, given: Canvas): Canvas {
  const accumulate = call('celery.accumulate', [], { kwargs: { index: 0 } })
  let canvas = prepare(endsInGroup(given) ? chainOf([given, accumulate]) : given)
  if (!canvas) throw new CeleryError('UNSUPPORTED', 'a task cannot be replaced with an empty chain')
  const { id, group, groupIndex, chord, rootId, replyTo } = message
  canvas = withOptions(canvas, {
    taskId: id,
    ...(group && { groupId: group }),
    ...(groupIndex !== null && { groupIndex }),
    ...(chord && { chord: fromData(chord) }),
  })
  for (const callback of message.callbacks ?? []) canvas = withLink(canvas, fromData(callback))
  for (const errback of message.errbacks ?? []) canvas = withLinkError(canvas, fromData(errback))
  const rest = restOf(message)
  return addOptions(rest ? chainOf([canvas, rest]) : canvas, 'everywhere', {
    rootId,
    ...(replyTo && { replyTo }),
    replacedTaskNesting: message.replacedTaskNesting + 1,
  })
}

/**
 * One more for the chord in whose header the task is.
 *
 * @throws {CeleryError} UNSUPPORTED when it is in none
 */
export function joining(message: TaskMessage, given: Canvas): { readonly canvas: Canvas; readonly ends: number } {
  const end = endOf(message)
  const canvas = prepare(given)
  if (!end) throw new CeleryError('UNSUPPORTED', `${message.task}[${message.id}] is not in the header of a chord`)
  if (!canvas) throw new CeleryError('UNSUPPORTED', 'an empty chain cannot be added to a chord')
  const { group: groupId, body: chord } = end
  const place = { groupId, chord, ...(end.index !== null && { groupIndex: end.index }) }
  return { canvas: withOptions(canvas, place), ends: callsOf(canvas, 'end').length }
}
