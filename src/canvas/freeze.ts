import type { ResultTuple } from '../protocol/result-meta.ts'
import { type Canvas, chainOf, chordOf, type Group, groupOf } from './canvas.ts'

/** What a canvas takes from who makes it definite. */
export interface Freezer {
  readonly newId: () => string
  /** Where whoever carries it on sends the answers. */
  readonly replyTo?: string
}

/** Gives every call and every group an id, if it has none: results can be named before anything is sent. */
export function freeze(canvas: Canvas, freezer: Freezer): Canvas {
  const onward = (task: Canvas) => freeze(task, freezer)
  switch (canvas.kind) {
    case 'task': {
      const { taskId = freezer.newId(), replyTo = freezer.replyTo } = canvas.options
      return { ...canvas, options: { ...canvas.options, taskId, ...(replyTo !== undefined && { replyTo }) } }
    }
    case 'chain':
      return chainOf(canvas.tasks.map(onward))
    case 'group':
      return freezeGroup(canvas, freezer)
    case 'chord':
      return chordOf(freezeGroup(canvas.header, freezer), onward(canvas.body))
  }
}

function freezeGroup({ tasks, id }: Group, freezer: Freezer): Group {
  return groupOf(
    tasks.map((task) => freeze(task, freezer)),
    id ?? freezer.newId(),
  )
}

/** The id of its result; undefined while it has none. */
export function resultId(canvas: Canvas): string | undefined {
  switch (canvas.kind) {
    case 'task':
      return canvas.options.taskId
    case 'chain':
      return canvas.tasks.slice(-1).map(resultId)[0]
    case 'group':
      return canvas.id
    case 'chord':
      return resultId(canvas.body)
  }
}

/** The result of a frozen canvas, as Celery writes it: of a chain its last step's, which leads back to the first. */
export function resultOf(frozen: Canvas, parent: ResultTuple | null = null): ResultTuple {
  switch (frozen.kind) {
    case 'task':
      return [[frozen.options.taskId ?? '', parent], null]
    case 'chain':
      return frozen.tasks.reduce<ResultTuple | null>((before, task) => resultOf(task, before), parent) as ResultTuple
    case 'group':
      return [[frozen.id ?? '', parent], frozen.tasks.map((task) => resultOf(task))]
    case 'chord':
      return resultOf(frozen.body, resultOf(frozen.header, parent))
  }
}
