import { type Canvas, call, chainOf } from '../canvas/canvas.ts'
import { fromData } from '../canvas/data.ts'
import { addOptions, withLink, withLinkError, withOptions } from '../canvas/options.ts'
import { prepare } from '../canvas/prepare.ts'
import { callsOf, endsInGroup } from '../canvas/walk.ts'
import { CeleryError } from '../errors.ts'
import type { TaskMessage } from '../protocol/task-message.ts'
import { endOf, restOf } from './continuation.ts'

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

/** What joins a chord: with its place in it, and how many ends it has. */
export interface Joining {
  readonly group: string
  readonly canvas: Canvas
  readonly ends: number
}

/**
 * One more for the chord in whose header the task is.
 *
 * @throws {CeleryError} UNSUPPORTED when it is in none
 */
export function joining(message: TaskMessage, given: Canvas): Joining {
  const end = endOf(message)
  const canvas = prepare(given)
  if (!end) throw new CeleryError('UNSUPPORTED', `${message.task}[${message.id}] is not in the header of a chord`)
  if (!canvas) throw new CeleryError('UNSUPPORTED', 'an empty chain cannot be added to a chord')
  const { group: groupId, body: chord } = end
  const place = { groupId, chord, ...(end.index !== null && { groupIndex: end.index }) }
  return { group: groupId, canvas: withOptions(canvas, place), ends: callsOf(canvas, 'end').length }
}
