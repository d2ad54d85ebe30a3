import { type Queue, taskQueue } from '../protocol/entity.ts'
import type { Settings } from './config.ts'

export interface Route {
  readonly queue: Queue
  readonly priority: number
}

/** Where a call goes: its own options first, then the task's, then `taskRoutes`, then the default queue. */
export function route(
  task: string,
  call: { readonly queue?: string; readonly priority?: number },
  settings: Pick<Settings, 'taskRoutes' | 'taskDefaultQueue' | 'taskDefaultPriority'>,
): Route {
  const found = matchingRoute(task, settings.taskRoutes)
  return {
    queue: taskQueue(call.queue ?? found?.queue ?? settings.taskDefaultQueue),
    priority: call.priority ?? found?.priority ?? settings.taskDefaultPriority,
  }
}

// An exact name wins over a glob; among globs the first one written.
function matchingRoute(task: string, routes: Settings['taskRoutes']) {
  if (Object.hasOwn(routes, task)) return routes[task]
  return Object.entries(routes).find(([pattern]) => pattern.includes('*') && globMatches(pattern, task))?.[1]
}

function globMatches(pattern: string, name: string): boolean {
  const body = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
  return new RegExp(`^${body.join('.*')}$`).test(name)
}
