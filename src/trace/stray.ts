import { messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'

const kinds = {
  unhandledRejection: 'A promise that no task waited for was rejected',
  uncaughtException: 'Code that no task waited for has thrown',
} as const

/**
 * A forgotten `await`, or a timer's callback that throws, would end the process, and every task in it. Here it is an
 * error in the log. For processes of our own only: it is for the whole process.
 *
 * @returns gives the process its own ways back
 */
export function survive(log: Logger): () => void {
  const handlers = Object.entries(kinds).map(([event, what]) => {
    const handler = (error: unknown) => {
      const traceback = error instanceof Error ? error.stack : undefined
      log.error(`${what}: ${messageOf(error)}`, { error, ...(traceback && { traceback }) })
    }
    process.on(event, handler)
    return [event, handler] as const
  })
  return () => {
    for (const [event, handler] of handlers) process.off(event, handler)
  }
}
