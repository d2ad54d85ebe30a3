import { type Canvas, type Chain, type Chord, chainOf, chordOf, type Group, groupOf } from './canvas.ts'
import { change } from './walk.ts'

/**
 * The canvas as it can run, by Celery's rules: chains inside chains and groups inside groups are one, what follows a
 * group makes it a chord, what follows a chord follows its body, and what is empty is left out. A chain of what is left
 * has a group or a chord only as its last step. Undefined when nothing is left.
 */
export function prepare(canvas: Canvas): Canvas | undefined {
  switch (canvas.kind) {
    case 'task':
      return canvas
    case 'chain':
      return prepareChain(canvas)
    case 'group':
      return prepareGroup(canvas)
    case 'chord':
      return prepareChord(canvas)
  }
}

function prepareChain({ tasks }: Chain): Canvas | undefined {
  const prepared = tasks.map(prepare).filter((task) => task !== undefined)
  const steps = prepared.filter((task) => task.kind !== 'group' || task.tasks.length > 0)
  return inSequence(steps.flatMap(unrolled)) ?? prepared[0]
}

// In a chain, a group of one is its one member, and that may be a chain.
function unrolled(task: Canvas): readonly Canvas[] {
  if (task.kind === 'chain') return task.tasks
  const [first, second] = task.kind === 'group' ? task.tasks : []
  return first && !second ? unrolled(first) : [task]
}

function inSequence(steps: readonly Canvas[]): Canvas | undefined {
  const at = steps.findIndex((step, index) => step.kind !== 'task' && index < steps.length - 1)
  const barrier = steps[at]
  if (!barrier) return steps.length > 1 ? chainOf(steps) : steps[0]
  const after = steps.slice(at + 1)
  const joined =
    barrier.kind === 'chord'
      ? chordOf(barrier.header, chainOf([barrier.body, ...after]))
      : chordOf(barrier as Group, chainOf(after))
  return inSequence([...steps.slice(0, at), prepareChord(joined) as Canvas])
}

function prepareGroup({ tasks, id }: Group): Group {
  const members = tasks.map(prepare).filter((task) => task !== undefined)
  return groupOf(
    members.flatMap((task) => (task.kind === 'group' ? task.tasks : [task])),
    id,
  )
}

function prepareChord({ header, body }: Chord): Canvas | undefined {
  const group = prepareGroup(header)
  const after = prepare(body)
  if (!after) return group
  return group.tasks.length > 0 ? chordOf(group, after) : withoutHeader(after)
}

// The body is called at once, with the empty list of their values; what comes before it gives it nothing.
function withoutHeader(body: Canvas): Canvas {
  return change(body, 'start', (call) =>
    call.immutable ? call : { ...call, args: [[], ...call.args], immutable: true },
  )
}
