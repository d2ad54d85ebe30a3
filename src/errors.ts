/**
 * Every failure a user can cause or mend, by its stable code, with what to do next.
 * A throw site may give a more precise `next`; the code never changes its meaning.
 */
export const errorCodes = {
  APP_NOT_FOUND: 'Run this in a project with an app.ts, or name the app: -A path[:export].',
  APP_BROKEN: 'Mend the file named above; nothing was started.',
  BROKER_UNREACHABLE: 'Start one with `celery-sandbox up`, or set CELERY_BROKER_URL.',
  LOGIN_REFUSED: 'Check user, password and virtual host of the address.',
  BROKER_FULL: 'Give the broker memory or disk space again; the message was not accepted, so nothing is lost.',
  RESOURCE_LOCKED: 'Another connection has the queue for itself: end its owner, or take another name.',
  BACKEND_UNREACHABLE: 'Start the stack with `celery-sandbox up`, or set CELERY_RESULT_BACKEND.',
  BACKEND_DISABLED: 'Set resultBackend (CELERY_RESULT_BACKEND) to keep results.',
  CONTENT_DISALLOWED: 'Send JSON, or add the content type to acceptContent.',
  DECODE_ERROR: 'The message is not what its headers say; look at its producer.',
  ENCODE_ERROR: 'Pass plain data: null, booleans, numbers, strings, lists, objects, Date, Uint8Array.',
  IMPROPERLY_CONFIGURED: 'Correct the setting named above.',
  NOT_REGISTERED: 'Import the module that defines the task (setting `include`), or correct its name.',
  TASK_ARGUMENTS: 'Call the task with the arguments its signature asks for.',
  TASK_RESULT: 'Return what the schema of the task asks for, or mend the schema.',
  TIMEOUT: 'Wait longer, or look whether a worker serves the queue: celery-sandbox ps.',
  JOIN_IN_TASK: 'Let the task end and lead to the other (link, chain), or wait with { disableSyncSubtasks: false }.',
  UNSUPPORTED: 'Use one of the supported forms named above.',
} as const satisfies Record<string, string>

export type ErrorCode = keyof typeof errorCodes

/**
 * The base of every error this library throws on purpose.
 *
 * @example
 * try { await add.delay(1, 2) } catch (error) {
 *   if (error instanceof CeleryError) console.error(error.code, error.next)
 * }
 */
export class CeleryError extends Error {
  /** Stable, for programs. */
  readonly code: ErrorCode
  /** One sentence: what the reader can do now. */
  readonly next: string

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; next?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CeleryError'
    this.code = code
    this.next = options.next ?? errorCodes[code]
  }
}

/** The text of anything thrown, without its stack. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return textOf(thrown)
  // Node reports a refused connection to several addresses as an AggregateError with an empty message.
  if (thrown instanceof AggregateError && !thrown.message) return thrown.errors.map(messageOf).join('; ')
  return thrown.message || thrown.name
}

// An object may refuse to become a text.
function textOf(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return `a ${typeof thrown} without a text`
  }
}
