import { repr } from '../protocol/repr.ts'
import type { Canvas } from './canvas.ts'

/** A canvas for people: `add(2, 2) | mul(8)`, `group([…])`, `chord([…], tsum())`. */
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
