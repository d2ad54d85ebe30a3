import { CeleryError } from '../errors.ts'
import { type CallOptions, type Canvas, chainOf, chordOf, groupOf, listOf } from './canvas.ts'
import { prepare } from './prepare.ts'
import { change, endsInGroup, type Where } from './walk.ts'

/** Arguments put before its own; an immutable call keeps its own. */
export function withArguments(
  canvas: Canvas,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>> = {},
): Canvas {
  return change(canvas, 'start', (call) =>
    call.immutable ? call : { ...call, args: [...args, ...call.args], kwargs: { ...call.kwargs, ...kwargs } },
  )
}

/** Options over its own, each where it belongs: links and what names its result at its end, the others at its start. */
export function withOptions(canvas: Canvas, options: CallOptions): Canvas {
  const { link, linkError, taskId, groupId, groupIndex, chord, ...others } = options
  let changed = addOptions(canvas, 'start', others)
  // As Celery has it, a chord's options are those of its header and of its body.
  if (changed.kind === 'chord') changed = chordOf(changed.header, withOptions(changed.body, others))
  if (taskId !== undefined) changed = withId(changed, taskId)
  changed = addOptions(changed, 'end', defined({ groupId, groupIndex, chord }))
  for (const callback of listOf(link)) changed = withLink(changed, callback)
  for (const errback of listOf(linkError)) changed = withLinkError(changed, errback)
  return changed
}

/** Options over those that some of its calls have. */
export function addOptions(canvas: Canvas, where: Where, options: CallOptions): Canvas {
  if (Object.keys(options).length === 0) return canvas
  return change(canvas, where, (call) => ({ ...call, options: { ...call.options, ...options } }))
}

/** Chooses the id of its result: of a group the group's own, else that of the call with which it ends. */
function withId(canvas: Canvas, id: string): Canvas {
  switch (canvas.kind) {
    case 'task':
      return { ...canvas, options: { ...canvas.options, taskId: id } }
    case 'chain':
      return chainOf([...canvas.tasks.slice(0, -1), ...canvas.tasks.slice(-1).map((last) => withId(last, id))])
    case 'group':
      return groupOf(canvas.tasks, id)
    case 'chord':
      return chordOf(canvas.header, withId(canvas.body, id))
  }
}

/** @throws {CeleryError} UNSUPPORTED for what ends in a group, which has no single end */
export function withLink(canvas: Canvas, callback: Canvas): Canvas {
  if (endsInGroup(canvas)) {
    const next = 'Make a chord of it: chord(group, callback).'
    throw new CeleryError('UNSUPPORTED', 'a group has no single end that a callback could follow', { next })
  }
  return change(canvas, 'end', (call) => {
    const link = [...listOf(call.options.link), callback]
    return { ...call, options: { ...call.options, link } }
  })
}

/** Every call tells it that can fail by itself, when it runs: a group that something follows is a header by then. */
export function withLinkError(canvas: Canvas, errback: Canvas): Canvas {
  return change(prepare(canvas) ?? canvas, 'failing', (call) => {
    const linkError = [...listOf(call.options.linkError), errback]
    return { ...call, options: { ...call.options, linkError } }
  })
}

/** Without what is undefined. */
export function defined<T extends object>(given: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as never
}
