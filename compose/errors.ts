/**
 * Every failure of the stack that a user can cause or mend, by its stable code, with what to do next.
 * A throw site may give a more precise `next`; the code never changes its meaning.
 */
export const stackErrorCodes = {
  COMPOSE_FILE_NOT_FOUND: 'Run this in a project with a compose.yaml, or name the file: --file path.',
  COMPOSE_FILE_INVALID: 'Correct the lines named above; nothing was started.',
  COMPOSE_UNSUPPORTED: 'Run `docker compose up`; ps, logs and down work on its containers as well.',
  PROJECT_NAME_INVALID: 'Use lower-case letters, digits, hyphens and underscores, beginning with a letter or digit.',
  PROJECT_ELSEWHERE: 'Give this project another name (top-level `name:` or -p), or take the other one down first.',
  PROJECT_BUSY: 'Wait for it or end it, then run this again.',
  STATE_UNUSABLE: 'It must be a directory that you may write to: move away what is in its place.',
  OPTION_INVALID: 'Write it as in a compose file: 8080:80, ./data:/data:ro.',
  NOTHING_TO_WATCH:
    'Give a service `develop: { watch: [{ path: ./tasks, action: restart }] }`, or mount the program of a worker.',
  SERVICE_UNKNOWN: 'Name a service of the compose file.',
  SERVICE_NOT_RUNNING: 'Start it with `celery-sandbox up -d` or `celery-sandbox start`; `ps` shows what runs.',
  DOCKER_UNREACHABLE:
    'Start Docker (Docker Desktop, `colima start`, `systemctl start docker`), or use --engine embedded.',
  DOCKER_PERMISSION_DENIED:
    'Add your user to the group `docker` and log in again, use rootless Docker, or use --engine embedded.',
  DOCKER_CONTEXT_NOT_FOUND: 'Choose one of `docker context ls`, or unset DOCKER_CONTEXT.',
  DOCKER_ENDPOINT_UNSUPPORTED: 'Use an endpoint of the form unix://, npipe:// or tcp://, or --engine embedded.',
  DOCKER_TOO_OLD: 'Upgrade Docker to 20.10 or newer, or use --engine embedded.',
  DOCKER_REFUSED: 'The sentence above is the answer of the Docker engine.',
  EMBEDDED_UNSUPPORTED: 'Start the stack on Docker (down, then up --engine docker) to do this.',
  SIGNAL_UNKNOWN: 'Use a name or number that `kill -l` lists: SIGHUP, TERM, 9.',
  EMBEDDED_FAILED: 'Look at .celery-sandbox/logs/engine.log; `celery-sandbox down` clears what is left.',
  IMAGE_PULL_FAILED: 'Check the image name and the network; `docker pull` shows the registry at work.',
  IMAGE_MISSING:
    'Get it with `celery-sandbox pull` or `build`, or let `up` get it: without `pull_policy: never` and --no-build.',
  BUILD_FAILED: 'Correct the instruction named above; --verbose shows all of the build.',
  BUILD_UNSUPPORTED: 'Install the buildx plugin of Docker (docker-buildx), or take the key out of the service.',
  NAME_IN_USE: 'Remove the other container, or give the service another container_name.',
  PORT_BUSY: 'Stop the program named above, or start without --strict-ports to take the next free port.',
  PORT_UNPUBLISHED: 'Add it to the `ports:` of the service, then run `up`.',
  RESOURCE_IN_USE: 'Something outside this project still uses it; remove that first.',
  LOGS_UNREADABLE: 'Take `logging` out of the service, or choose the driver `local` or `json-file`.',
  SERVICE_EXITED: 'Read the lines above; `celery-sandbox logs` has the rest.',
  SERVICE_UNHEALTHY: 'Read what the health check printed; `celery-sandbox logs` has the rest.',
  SERVICE_STILL_STARTING: 'Wait and look again with `celery-sandbox ps`, or give `up` more time with --wait-timeout.',
  START_FAILED: 'Correct the service in the compose file.',
} as const satisfies Record<string, string>

/** One of the codes above. */
export type StackErrorCode = keyof typeof stackErrorCodes

/**
 * The base of every error the stack throws on purpose.
 *
 * @example
 * try { for await (const event of stack.up()) print(event) } catch (error) {
 *   if (error instanceof StackError) console.error(error.code, error.message, ...error.details, error.next)
 * }
 */
export class StackError extends Error {
  /** Stable, for programs. */
  readonly code: StackErrorCode
  /** One sentence: what the reader can do now. */
  readonly next: string
  /** What shows the cause, one line each: the problems of a file, the last lines of a log. */
  readonly details: readonly string[]

  constructor(
    code: StackErrorCode,
    message: string,
    options: { cause?: unknown; next?: string; details?: readonly string[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'StackError'
    this.code = code
    this.next = options.next ?? stackErrorCodes[code]
    this.details = options.details ?? []
  }
}

/** The text of anything thrown, without its stack. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  // Node reports a refused connection to several addresses as an AggregateError with an empty message.
  if (thrown instanceof AggregateError && !thrown.message) return thrown.errors.map(messageOf).join('; ')
  return thrown.message || thrown.name
}

/** The `code` of a system error (`ENOENT`, `EACCES` …), if it is one. */
export function systemCodeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined
}
