/** Mistakes made on the command line, by code, with what to do next. */
export const errorCodes = {
  USAGE: 'See the command with --help.',
  DIRECTORY_EXISTS: 'Choose another name, or overwrite its files with --force.',
  FILE_EXISTS: 'Choose another directory, or overwrite them with --force.',
  INVALID_NAME: 'Use letters, digits, dashes and underscores, beginning with a letter or a digit.',
  INSTALL_FAILED: 'Run `npm install` in the project to see what is wrong, then go on.',
  PROGRAM_FAILED:
    'Correct the program; its words are the tasks by name, app, tasks, signature, chain, group, chord, sendTask, result, ping.',
  NOT_JSON: 'Give a value without circles, or leave --json away.',
  NOT_A_TTY: 'Give the answers as flags; --yes takes the defaults.',
  NO_PROJECT: 'Run this in a project (celery-sandbox init makes one), or name its compose file with --file.',
  SERVICE_UNKNOWN: 'See them with: celery-sandbox ps',
  STACK_DOWN: 'Start it with: celery-sandbox up -d',
  NO_REPLY: 'Look whether a worker is up (celery-sandbox ps), or wait longer with --timeout.',
  TASK_UNKNOWN:
    'Look at the id, and at -A; what was never kept (ignoreResult, no result backend) or has expired leaves no trace.',
  ABORTED: 'Answer y to go on, or use the -f option.',
  UNWRITABLE: 'Name a place that can be written, with --pidfile and --logfile.',
  NOT_PERMITTED: 'Leave --uid and --gid away, or start it as root.',
  START_FAILED: 'See its log (--logfile), or run it without --detach.',
  ALREADY_RUNNING: 'Stop that process first, or name another file with --pidfile.',
  INTERRUPTED: 'Run the command again to go on.',
} as const satisfies Record<string, string>

export type ErrorCode = keyof typeof errorCodes

export class CliError extends Error {
  readonly code: ErrorCode
  /** One sentence: what the reader can do now. */
  readonly next: string

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; next?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CliError'
    this.code = code
    this.next = options.next ?? errorCodes[code]
  }
}
