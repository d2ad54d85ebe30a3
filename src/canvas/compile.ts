import type { ResultTuple } from '../protocol/result-meta.ts'
import { type Call, type Canvas, type Chord, call, type Group } from './canvas.ts'
import { toData } from './data.ts'
import { resultOf } from './freeze.ts'
import { callsOf, change, endsInGroup } from './walk.ts'

/** What sets a canvas going; all that follows later is carried by the calls. */
export interface Departure {
  /** Whoever counts the ends of chords has to know of them before the first call is sent. */
  readonly chords: readonly ExpectedChord[]
  readonly calls: readonly Call[]
}

export interface ExpectedChord {
  readonly groupId: string
  /** How many ends the header has. */
  readonly size: number
  readonly header: ResultTuple
  readonly body: Canvas
}

/** @param canvas prepared and frozen */
export function compile(canvas: Canvas): Departure {
  switch (canvas.kind) {
    case 'task':
      return { chords: [], calls: [canvas] }
    case 'chain': {
      const [first, ...rest] = canvas.tasks
      // Of a prepared chain only the last step may be anything but a task.
      return { chords: [], calls: first ? [followedBy(first as Call, rest)] : [] }
    }
    case 'group':
      return together(canvas.tasks.map((task, index) => compile(enlist(task, canvas, index))))
    case 'chord':
      return compileChord(canvas)
  }
}

function compileChord({ header, body: after }: Chord): Departure {
  const { id = '' } = header
  const body = following(header, after)
  const chord = { groupId: id, size: callsOf(header, 'end').length, header: resultOf(header), body }
  const members = together(header.tasks.map((task, index) => compile(enlist(task, header, index, body))))
  return { chords: [chord, ...members.chords], calls: members.calls }
}

const together = (departures: readonly Departure[]): Departure => ({
  chords: departures.flatMap(({ chords }) => chords),
  calls: departures.flatMap(({ calls }) => calls),
})

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
export function unlock({ groupId, header, body }: ExpectedChord): Call {
  const [first] = callsOf(body, 'start')
  const { queue, priority } = first?.options ?? {}
  return call('celery.chord_unlock', [groupId, toData(body)], {
    kwargs: { interval: null, max_retries: null, result: header[1] },
    options: {
      countdown: 1,
      ignoreResult: true,
      ...(queue !== undefined && { queue }),
      ...(priority !== undefined && { priority }),
    },
  })
}
