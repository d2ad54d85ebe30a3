import { format } from 'node:util'
import { currentTask } from '../app/context.ts'
import { type Logger, type LogLevel, parseLogLevel } from '../log.ts'

const methods = ['debug', 'log', 'info', 'warn', 'error'] as const

/**
 * What tasks print with `console` goes to the log, with the task's id; outside of tasks the console is as it was. The
 * children of a pool, which inherit the environment, do the same.
 *
 * @returns gives the console back
 */
export function redirectConsole(log: Logger, level: LogLevel): () => void {
  const originals = methods.map((method) => [method, console[method]] as const)
  for (const [method, original] of originals) {
    console[method] = (...args: unknown[]) => {
      const request = currentTask()?.request
      if (!request) return original.apply(console, args)
      log[level](format(...args), { logger: 'celery.redirected', taskId: request.id, taskName: request.task })
    }
  }
  // Celery's own names for it.
  Object.assign(process.env, { CELERY_LOG_REDIRECT: '1', CELERY_LOG_REDIRECT_LEVEL: level })
  return () => {
    for (const [method, original] of originals) console[method] = original
    delete process.env.CELERY_LOG_REDIRECT
    delete process.env.CELERY_LOG_REDIRECT_LEVEL
  }
}

/** In a child: as its worker does. */
export function redirectAsParent(log: Logger): void {
  const { CELERY_LOG_REDIRECT: isWanted, CELERY_LOG_REDIRECT_LEVEL: level = '' } = process.env
  if (isWanted) redirectConsole(log, parseLogLevel(level) ?? 'warning')
}
