/** What the process says to its caller when it ends. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  /** Something that is needed is not there: Docker, a broker, a newer Node. */
  environment: 3,
  /** The task ran and failed, or nobody knows it. */
  task: 4,
  /** No worker answered. */
  noReply: 69,
  interrupted: 130,
} as const

type Kind = keyof typeof exitCodes

const codesByKind: Partial<Record<Kind, readonly string[]>> = {
  // The reader of a pipe has seen enough.
  ok: ['EPIPE'],
  usage: [
    'USAGE',
    'INVALID_NAME',
    'NOT_A_TTY',
    'TASK_ARGUMENTS',
    'COMPOSE_FILE_INVALID',
    'PROJECT_NAME_INVALID',
    'OPTION_INVALID',
  ],
  environment: [
    ...[
      'APP_NOT_FOUND',
      'NO_PROJECT',
      'COMPOSE_FILE_NOT_FOUND',
      'STACK_DOWN',
      'INSTALL_FAILED',
      'IMAGE_PULL_FAILED',
      'IMAGE_MISSING',
      'BUILD_UNSUPPORTED',
    ],
    ...['BROKER_UNREACHABLE', 'BACKEND_UNREACHABLE', 'BACKEND_DISABLED', 'LOGIN_REFUSED'],
    ...['DOCKER_UNREACHABLE', 'DOCKER_PERMISSION_DENIED', 'DOCKER_CONTEXT_NOT_FOUND', 'DOCKER_TOO_OLD'],
    ...['DOCKER_ENDPOINT_UNSUPPORTED', 'EMBEDDED_UNSUPPORTED', 'SERVICE_NOT_RUNNING'],
  ],
  noReply: ['NO_REPLY'],
  interrupted: ['INTERRUPTED'],
}

const kindByCode = new Map(
  Object.entries(codesByKind).flatMap(([kind, codes]) => codes.map((code) => [code, kind as Kind] as const)),
)

/** The exit code that an error means. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof Error)) return exitCodes.failure
  if (error.name === 'AbortError') return exitCodes.interrupted
  // An exception that a task raised, rebuilt here.
  if ('excType' in error) return exitCodes.task
  return exitCodes[kindByCode.get('code' in error ? String(error.code) : '') ?? 'failure']
}

/** Ends the process at once, when waiting for its open handles would be wrong. The only caller of process.exit. */
export function exitNow(code: number): never {
  process.exit(code)
}
