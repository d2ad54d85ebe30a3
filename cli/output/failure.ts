import type { Context } from '../context.ts'
import { toJson } from './printer.ts'
import { sanitize } from './sanitize.ts'

interface Described {
  readonly code: string
  readonly message: string
  readonly next: string | undefined
  readonly details: string | undefined
}

/** What went wrong, why, and what to do now. The stack is for those who ask with DEBUG=celery-sandbox. */
export function reportFailure(error: unknown, { mode, stdout, stderr, paint, env }: Context): void {
  const { code, message, next, details } = describe(error)
  if (mode === 'json') stdout.write(`${toJson({ type: 'error', code, message, next, details } as { type: string })}\n`)
  stderr.write(`${paint.bad(`error[${code}]`)}: ${sanitize(message)}\n`)
  if (details) stderr.write(`${paint.dim(indent(sanitize(details)))}\n`)
  if (next) stderr.write(`  ${sanitize(next)}\n`)
  if (env.DEBUG?.includes('celery-sandbox') && error instanceof Error) stderr.write(`${sanitize(error.stack ?? '')}\n`)
}

function describe(error: unknown): Described {
  if (!(error instanceof Error)) return { code: 'UNKNOWN', message: String(error), next: undefined, details: undefined }
  const { code, next, details, traceback, excType } = error as Error & Partial<Record<string, unknown>>
  if (typeof excType === 'string') {
    const remote = typeof traceback === 'string' ? traceback : undefined
    return { code: 'TASK_FAILED', message: `${excType}: ${error.message}`, next: undefined, details: remote }
  }
  if (typeof code === 'string' && typeof next === 'string') {
    const lines = Array.isArray(details) && details.length > 0 ? details.join('\n') : undefined
    return { code, message: error.message, next, details: lines }
  }
  const report = 'This is our mistake, not yours: please report it with the output of DEBUG=celery-sandbox.'
  return { code: 'INTERNAL', message: `${error.name}: ${error.message}`, next: report, details: undefined }
}

const indent = (text: string) => text.trimEnd().replace(/^/gm, '    ')
