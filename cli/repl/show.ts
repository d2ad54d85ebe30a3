import { inspect, types } from 'node:util'
import { PendingResult } from '../../src/index.ts'
import { sanitize, sanitizeColored } from '../output/sanitize.ts'

/** A value as a session shows it. Whatever came from a task or a broker cannot steer the terminal. */
export function show(value: unknown, colors = false): string {
  // What a session evaluates comes from a realm of its own, with classes of its own.
  if (types.isNativeError(value)) return showError(value)
  if (types.isPromise(value) && !(value instanceof PendingResult)) return 'Promise: await it for its value'
  // Inspect escapes control characters inside strings, and shows the messages of errors as they are.
  return sanitizeColored(inspect(value, { colors, depth: 6, breakLength: 100 }))
}

function showError(error: Error & { traceback?: unknown; next?: unknown }): string {
  const lines = [`${error.name}: ${error.message}`]
  if (typeof error.traceback === 'string') lines.push(error.traceback.replace(/^/gm, '    '))
  else if (typeof error.next === 'string') lines.push(`  ${error.next}`)
  else lines.push(...(error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line) && !line.includes('node:')))
  return sanitize(lines.join('\n'))
}
