import {
  type Call,
  type Canvas,
  type Chain,
  type Chord,
  chainOf,
  chordOf,
  type Group,
  groupOf,
  listOf,
} from './canvas.ts'

/** Marks of a call: names and values. */
export type Stamps = Readonly<Record<string, unknown>>

/**
 * Says which stamps each part of a canvas gets, beside those it inherits from what it is a part of. Celery's
 * StampingVisitor.
 *
 * @example
 * workflow.stamp({ onSignature: (call) => ({ shop: call.args[0] }) })
 */
export interface StampingVisitor {
  onSignature(call: Call, inherited: Stamps): Stamps | undefined
  onChainStart?(chain: Chain, inherited: Stamps): Stamps | undefined
  onChainEnd?(chain: Chain, inherited: Stamps): void
  /** Also of the header of a chord, unless there is {@link onChordHeaderStart}. */
  onGroupStart?(group: Group, inherited: Stamps): Stamps | undefined
  onGroupEnd?(group: Group, inherited: Stamps): void
  onChordHeaderStart?(chord: Chord, inherited: Stamps): Stamps | undefined
  onChordHeaderEnd?(chord: Chord, inherited: Stamps): void
  onChordBody?(chord: Chord, inherited: Stamps): Stamps | undefined
  onCallback?(callback: Canvas, inherited: Stamps): Stamps | undefined
  onErrback?(errback: Canvas, inherited: Stamps): Stamps | undefined
}

/** Stamps for every call, or who says which. */
export type Stamping = Stamps | StampingVisitor

/** The canvas with stamps on its calls, links and error links; what a call was stamped with before stays. */
export function stamped(canvas: Canvas, stamping: Stamping): Canvas {
  return typeof stamping.onSignature === 'function'
    ? stamp(canvas, stamping as StampingVisitor, {})
    : stamp(canvas, everyCall, stamping as Stamps)
}

const everyCall: StampingVisitor = { onSignature: () => ({}) }

function stamp(canvas: Canvas, visitor: StampingVisitor, given: Stamps): Canvas {
  switch (canvas.kind) {
    case 'task':
      return stampCall(canvas, visitor, given)
    case 'chain': {
      const stamps = { ...given, ...visitor.onChainStart?.(canvas, given) }
      const chain = chainOf(canvas.tasks.map((task) => stamp(task, visitor, stamps)))
      visitor.onChainEnd?.(chain, stamps)
      return chain
    }
    case 'group': {
      const stamps = { ...given, ...visitor.onGroupStart?.(canvas, given) }
      const group = stampMembers(canvas, visitor, stamps)
      visitor.onGroupEnd?.(group, stamps)
      return group
    }
    case 'chord':
      return stampChord(canvas, visitor, given)
  }
}

function stampChord(chord: Chord, visitor: StampingVisitor, given: Stamps): Chord {
  const { onChordHeaderStart, onGroupStart } = visitor
  const ofHeader = onChordHeaderStart ? onChordHeaderStart(chord, given) : onGroupStart?.(chord.header, given)
  const stamps = { ...given, ...ofHeader }
  const header = stampMembers(chord.header, visitor, stamps)
  if (visitor.onChordHeaderEnd) visitor.onChordHeaderEnd(chord, stamps)
  else visitor.onGroupEnd?.(header, stamps)
  const ofBody = visitor.onChordBody?.(chord, stamps)
  return chordOf(header, stamp(chord.body, visitor, { ...stamps, ...ofBody }))
}

function stampMembers({ tasks, id }: Group, visitor: StampingVisitor, stamps: Stamps): Group {
  return groupOf(
    tasks.map((task) => stamp(task, visitor, stamps)),
    id,
  )
}

function stampCall(call: Call, visitor: StampingVisitor, given: Stamps): Call {
  const { link, linkError, stamps: before } = call.options
  const links = listOf(link).map((one) => stamp(one, visitor, { ...given, ...visitor.onCallback?.(one, given) }))
  const errorLinks = listOf(linkError).map((one) =>
    stamp(one, visitor, { ...given, ...visitor.onErrback?.(one, given) }),
  )
  const stamps = { ...given, ...visitor.onSignature(call, given), ...before }
  return {
    ...call,
    options: { ...call.options, stamps, ...(link && { link: links }), ...(linkError && { linkError: errorLinks }) },
  }
}
