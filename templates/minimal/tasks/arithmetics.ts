import { app } from '../app.ts'

// A task is a plain function with a name. Workers in any language know it by that name.

export const add = app.task('arithmetics.add', (x: number, y: number) => x + y)

export const mul = app.task('arithmetics.mul', (x: number, y: number) => x * y)

export const xsum = app.task('arithmetics.xsum', (numbers: number[]) => numbers.reduce((sum, n) => sum + n, 0))

/** Fails when it cannot be done: the caller's `get()` throws what the task threw. */
export const div = app.task('arithmetics.div', (x: number, y: number) => {
  if (y === 0) throw new RangeError(`cannot divide ${x} by zero`)
  return x / y
})
