import type { Call, Canvas } from '../canvas/canvas.ts'
import { withArguments } from '../canvas/options.ts'
import type { EagerResult } from '../result/eager-result.ts'
import { GroupResult } from '../result/group-result.ts'
import type { Result, ResultSource } from '../result/result.ts'

/** Runs a workflow in place, one call after the other; what fails first is its result. */
export async function evaluate(
  canvas: Canvas,
  run: (call: Call) => Promise<EagerResult>,
  source: ResultSource,
): Promise<Result> {
  const onward = (task: Canvas) => evaluate(task, run, source)
  switch (canvas.kind) {
    case 'task':
      return run(canvas)
    case 'chain': {
      const [first, ...rest] = canvas.tasks
      let result = await onward(first as Canvas)
      for (const task of rest) {
        if (!(await result.successful())) return result
        result = await onward(withArguments(task, [await result.get()]))
      }
      return result
    }
    case 'group': {
      const results: Result[] = []
      for (const task of canvas.tasks) results.push(await onward(task))
      return new GroupResult(canvas.id ?? '', results, source)
    }
    case 'chord': {
      const header = (await onward(canvas.header)) as GroupResult
      for (const result of header.results) if (!(await result.successful())) return result
      return onward(withArguments(canvas.body, [await header.get()]))
    }
  }
}
