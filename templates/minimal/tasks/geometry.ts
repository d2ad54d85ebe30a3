import { setTimeout } from 'node:timers/promises'
import { app } from '../app.ts'

/** A shape by its sides or its radius, in metres. */
type Shape = { width: number; height: number } | { radius: number }

export const area = app.task('geometry.area', (shape: Shape) =>
  'radius' in shape ? Math.PI * shape.radius ** 2 : shape.width * shape.height,
)

/** A task that takes its time says how far it is. `bind` gives it its context, `self`. */
export const survey = app.task(
  'geometry.survey',
  async (self, corners: number) => {
    for (let done = 1; done <= corners; done++) {
      await setTimeout(150)
      await self.updateState('PROGRESS', { done, of: corners })
    }
    return `${corners} corners surveyed`
  },
  { bind: true },
)

/** The laser misses twice: a task that may try again is sent again, a little later each time. */
export const measure = app.task(
  'geometry.measure',
  (self, metres: number) => {
    const attempt = self.request.retries + 1
    if (attempt < 3) self.retry({ countdown: 0.2 * attempt, exc: new Error(`no reflection on attempt ${attempt}`) })
    return `${metres} m, measured on attempt ${attempt}`
  },
  { bind: true },
)
