import { afterAll, beforeAll } from 'vitest'
import { until } from './wait.ts'

/**
 * Makes the file or `describe` that calls it fail when it ends with more sockets, servers, child processes or workers
 * than it began with.
 */
export function failOnLeaks(): void {
  let before: string[] = []
  let surplus: string[] = []
  beforeAll(() => {
    before = resources()
  })
  afterAll(() =>
    until(
      () => {
        surplus = minus(resources(), before)
        return surplus.length === 0
      },
      { timeoutMs: 2000, describe: () => `these to be closed: ${surplus.join(', ')}` },
    ),
  )
}

const watched = ['TCPSocketWrap', 'TCPServerWrap', 'PipeWrap', 'PipeServerWrap', 'ProcessWrap', 'Worker']

const resources = () => process.getActiveResourcesInfo().filter((name) => watched.includes(name))

/** What is left of a list when each item of another is taken out once. */
function minus(list: string[], taken: string[]): string[] {
  const left = [...list]
  for (const item of taken) {
    const index = left.indexOf(item)
    if (index >= 0) left.splice(index, 1)
  }
  return left
}
