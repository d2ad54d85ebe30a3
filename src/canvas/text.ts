import { repr } from '../protocol/repr.ts'
import type { Canvas } from './canvas.ts'
import type { Step } from './compile.ts'
import { fromData } from './data.ts'
import { callsOf } from './walk.ts'

/** A canvas as Celery shows it: `add(2, 2) | mul(8)`, `group([…])`, `%tsum([…])`. */
export function describe(canvas: Canvas): string {
  switch (canvas.kind) {
    case 'task': {
      const named = Object.entries(canvas.kwargs).map(([name, value]) => `${name}=${repr(value)}`)
      return `${canvas.task}(${[...canvas.args.map((arg) => repr(arg)), ...named].join(', ')})`
    }
    case 'chain':
      return canvas.tasks.map(describe).join(' | ') || 'chain(<empty>)'
    case 'group':
      return `group(${listed(canvas.tasks)})`
    case 'chord':
      return `chord(${listed(canvas.header.tasks)}, ${describe(canvas.body)})`
  }
}

const listed = (tasks: readonly Canvas[]) => `[${tasks.map(describe).join(', ')}]`

/**
 * What {@link compile} gives, a line each:
 *
 *     expect 2 of g, then tsum() #c
 *     send add(1, 1) #a, 0 of g
 */
export function describeSteps(steps: readonly Step[]): string {
  return steps.map(describeStep).join('\n')
}

function describeStep(step: Step): string {
  if (step.do === 'expect') {
    const { groupId, size, body } = step.chord
    return `expect ${size} of ${groupId}, then ${withIds(body)}`
  }
  const { options } = step.call
  const place = options.groupId === undefined ? '' : `, ${options.groupIndex} of ${options.groupId}`
  const following = (options.chain ?? []).map(fromData).reverse()
  const rest = following.length > 0 ? `, then ${following.map(withIds).join(' | ')}` : ''
  const body = options.chord ? `, a part of ${callsOf(options.chord, 'end').map(idsOf).join(' and ')}` : ''
  return `send ${withIds(step.call)}${place}${rest}${body}`
}

const idsOf = (canvas: Canvas): string => (canvas.kind === 'task' ? `#${canvas.options.taskId}` : '')

function withIds(canvas: Canvas): string {
  switch (canvas.kind) {
    case 'task':
      return `${describe(canvas)} ${idsOf(canvas)}`
    case 'chain':
      return canvas.tasks.map(withIds).join(' | ')
    case 'group':
      return `group ${canvas.id} [${canvas.tasks.map(withIds).join(', ')}]`
    case 'chord':
      return `chord(${withIds(canvas.header)}, ${withIds(canvas.body)})`
  }
}
