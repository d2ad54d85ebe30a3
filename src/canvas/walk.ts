import { type Call, type Canvas, chainOf, chordOf, groupOf } from './canvas.ts'

/** Which calls of a canvas. */
export type Where = keyof typeof parts

const always = () => true
const first = (index: number) => index === 0

// Of a chain which steps, of a chord whether the header and the body. All members of a group are alike.
const parts = {
  // Those made first, those made last, all.
  start: { step: first, header: true, body: false },
  end: { step: (index: number, last: number) => index === last, header: false, body: true },
  everywhere: { step: always, header: true, body: true },
  // Those that can fail by themselves: a chord's header fails its body.
  failing: { step: always, header: false, body: true },
  // Those of them that answer for it when none was made.
  answering: { step: first, header: false, body: true },
} as const

/** The canvas with some of its calls changed. */
export function change(canvas: Canvas, where: Where, how: (call: Call) => Canvas): Canvas {
  const { step, header, body } = parts[where]
  const onward = (task: Canvas) => change(task, where, how)
  switch (canvas.kind) {
    case 'task':
      return how(canvas)
    case 'chain':
      return chainOf(canvas.tasks.map((task, index) => (step(index, canvas.tasks.length - 1) ? onward(task) : task)))
    case 'group':
      return groupOf(canvas.tasks.map(onward), canvas.id)
    case 'chord': {
      const tasks = header ? canvas.header.tasks.map(onward) : canvas.header.tasks
      return chordOf(groupOf(tasks, canvas.header.id), body ? onward(canvas.body) : canvas.body)
    }
  }
}

/** Some of its calls, in order. */
export function callsOf(canvas: Canvas, where: Where): Call[] {
  const found: Call[] = []
  change(canvas, where, (call) => {
    found.push(call)
    return call
  })
  return found
}

export function hasChord(canvas: Canvas): boolean {
  return canvas.kind === 'chord' || (canvas.kind !== 'task' && canvas.tasks.some(hasChord))
}

/** Whether what it gives comes from several calls, with nothing after them. */
export function endsInGroup(canvas: Canvas): boolean {
  if (canvas.kind === 'chain') return canvas.tasks.slice(-1).some(endsInGroup)
  return canvas.kind === 'group' || (canvas.kind === 'chord' && endsInGroup(canvas.body))
}
