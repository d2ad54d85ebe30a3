import type { ResultTuple } from '../protocol/result-meta.ts'
import { type Call, type Canvas, call, type Group } from './canvas.ts'
import { toData } from './data.ts'
import { resultOf } from './freeze.ts'
import { callsOf, change, endsInGroup } from './walk.ts'

/** What is to be done, in order, to set a canvas going; what follows later is carried by the calls. */
export type Step =
  /** One message. */
  | { readonly do: 'call'; readonly call: Call }
  /** Before the header is sent, whoever counts its ends has to know how many there are. */
  | { readonly do: 'expect'; readonly chord: ExpectedChord }

export interface ExpectedChord {
  readonly groupId: string
  /** How many ends the header has. */
  readonly size: number
  readonly header: ResultTuple
  readonly body: Canvas
}

/** @param canvas prepared and frozen */
export function compile(canvas: Canvas): Step[] {
  switch (canvas.kind) {
    case 'task':
      return [{ do: 'call', call: canvas }]
    case 'chain': {
      const [first, ...rest] = canvas.tasks
      // Of a prepared chain only the last step may be anything but a task.
      return first ? [{ do: 'call', call: followedBy(first as Call, rest) }] : []
    }
    case 'group':
      return canvas.tasks.flatMap((task, index) => compile(enlist(task, canvas, index)))
    case 'chord': {
      const { header } = canvas
      const body = following(header, canvas.body)
      const expected = { groupId: header.id ?? '', size: callsOf(header, 'end').length, header: resultOf(header), body }
      const members = header.tasks.flatMap((task, index) => compile(enlist(task, header, index, body)))
      return [{ do: 'expect', chord: expected }, ...members]
    }
  }
}

function followedBy(first: Call, rest: readonly Canvas[]): Call {
  return { ...first, options: { ...first.options, chain: rest.map(toData).reverse() } }
}

// What ends in a group stays in the chord that was there first: its members are ends of that.
function enlist(task: Canvas, { id = '' }: Group, groupIndex: number, chord?: Canvas): Canvas {
  const place = { groupId: id, groupIndex, ...(chord && { chord }) }
  return change(task, 'end', (end) => ({ ...end, options: { ...place, ...end.options } }))
}

// As Celery has it, a body names the header whose values it gets, unless it is part of a group itself.
function following({ id = '' }: Group, body: Canvas): Canvas {
  if (endsInGroup(body)) return body
  return change(body, 'end', (end) => ({ ...end, options: { ...end.options, groupId: end.options.groupId ?? id } }))
}

/**
 * Where results are only kept, nobody counts: this task looks until all have ended, and sends the body
 * (§6.2 of Celery's wire formats).
 */
export function unlock({ groupId, header, body }: ExpectedChord, interval: number | null = null): Call {
  const [first] = callsOf(body, 'start')
  const { queue, priority } = first?.options ?? {}
  return call('celery.chord_unlock', [groupId, toData(body)], {
    kwargs: { interval, max_retries: null, result: header[1] },
    options: {
      countdown: 1,
      ignoreResult: true,
      ...(queue !== undefined && { queue }),
      ...(priority !== undefined && { priority }),
    },
  })
}
