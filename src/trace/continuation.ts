import type { ChordMember } from '../backend/backend.ts'
import { type Call, type Canvas, chainOf, listOf } from '../canvas/canvas.ts'
import { fromData } from '../canvas/data.ts'
import { withArguments } from '../canvas/options.ts'
import { prepare } from '../canvas/prepare.ts'
import { callsOf } from '../canvas/walk.ts'
import type { ResultTuple } from '../protocol/result-meta.ts'
import type { SignatureData } from '../protocol/signature-data.ts'
import type { TaskMessage } from '../protocol/task-message.ts'

/**
 * All that a message says is to follow, in whichever way the task ends.
 *
 * @throws {CeleryError} DECODE_ERROR
 */
export function allThatFollows({ callbacks, errbacks, chain, chord }: TaskMessage): Canvas[] {
  const steps = (chain ?? []).filter(isMore)
  return [...(callbacks ?? []), ...(errbacks ?? []), ...steps, ...(chord ? [chord] : [])].map(fromData)
}

// Of a call of one task there is nothing that could be wrong; chains are long.
const isMore = ({ subtask_type: type, options }: SignatureData) =>
  type !== null || ['link', 'link_error', 'chord'].some((name) => name in options)

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

/** Who is told that the body of a chord failed, as it was never called: by those of its calls that answer for it. */
export function neverCalled(body: Canvas): Failed[] {
  return callsOf(body, 'answering').map(({ task, args, kwargs, options: { taskId = '', linkError } }: Call) => ({
    id: taskId,
    task,
    args: [...args],
    kwargs: { ...kwargs },
    errbacks: listOf(linkError),
  }))
}

/**
 * The values of a chord's header, as it is put together: a group among its members is a list. What was added to the
 * chord comes last.
 */
export function arranged([, header]: ResultTuple, members: readonly ChordMember[]): unknown[] {
  const ends = new Map(members.map((member) => [member.id, member.result]))
  const valueIn = ([[id], inner]: ResultTuple): unknown => {
    if (inner) return inner.map(valueIn)
    const value = ends.get(id)
    ends.delete(id)
    return value
  }
  return [...(header ?? []).map(valueIn), ...ends.values()]
}
