/** What is known of a container that ended. */
export interface Ending {
  readonly exitCode: number
  readonly oomKilled: boolean
  /** What the engine said when it could not start it. */
  readonly error: string
  /** The last lines it wrote. */
  readonly lines: readonly string[]
}

/** What probably happened. */
export interface Diagnosis {
  /** A few words that go behind `exited with code 1: `; empty when nobody knows. */
  readonly cause: string
  readonly next: string | undefined
}

/** Causes by what shows them, the surest first. */
const causes: readonly {
  readonly shows: (ending: Ending, text: string) => boolean
  readonly cause: string
  readonly next?: string
}[] = [
  {
    shows: ({ oomKilled }) => oomKilled,
    cause: 'out of memory, it used more than it may',
    next: 'Raise its memory limit (`deploy.resources.limits.memory` or `mem_limit`).',
  },
  {
    shows: ({ exitCode }) => exitCode === 127,
    cause: 'a command was not found',
    next: 'Correct `command` or `entrypoint`, or choose an image that has the program.',
  },
  {
    shows: ({ exitCode }) => exitCode === 126,
    cause: 'a command may not be executed',
    next: 'Make the file executable, or correct `command`.',
  },
  {
    shows: (_, text) => /cannot find (module|package)|ERR_MODULE_NOT_FOUND/i.test(text),
    cause: 'a module is missing',
    next: 'Run `npm install` in the project, then `up` again.',
  },
  {
    shows: (_, text) => /ERR_UNKNOWN_FILE_EXTENSION|SyntaxError/.test(text),
    cause: 'its code could not be loaded',
    next: 'Mend the file named above; the service needs Node 22.18 or newer.',
  },
  {
    shows: (_, text) => /EADDRINUSE|address already in use/i.test(text),
    cause: 'its port is taken',
    next: 'Stop what listens there, or change the port in its configuration.',
  },
  {
    shows: (_, text) => /ECONNREFUSED|connection refused/i.test(text),
    cause: 'a service it needs does not answer',
    next: 'Let it wait: `depends_on: { <service>: { condition: service_healthy } }`.',
  },
  {
    shows: (_, text) => /ACCESS_REFUSED|WRONGPASS|NOAUTH|authentication failed/i.test(text),
    cause: 'a login was refused',
    next: 'Compare user and password in `.env` with those the broker was set up with; `down --volumes` begins anew.',
  },
  {
    shows: (_, text) =>
      /fatal config file error|bad configuration|conf_to_.*schema|failed to load.*conf|config.*(syntax|invalid)/i.test(
        text,
      ),
    cause: 'its configuration is wrong',
    next: 'Correct the line quoted above.',
  },
  {
    shows: (_, text) => /permission denied|EACCES/i.test(text),
    cause: 'it lacks a permission',
    next: 'Check the owner of its mounted files and the `user` of the service.',
  },
  {
    shows: (_, text) => /no space left on device|ENOSPC/i.test(text),
    cause: 'the disk is full',
    next: 'Free space on the disk; `docker system prune` may help.',
  },
  { shows: ({ exitCode }) => exitCode === 137, cause: 'it was killed' },
  { shows: ({ exitCode }) => exitCode === 143 || exitCode === 130, cause: 'it was asked to stop' },
]

/** The likely cause of an ending, and what to do about it. */
export function diagnose(ending: Ending): Diagnosis {
  const text = [ending.error, ...ending.lines].join('\n')
  const known = causes.find(({ shows }) => shows(ending, text))
  return { cause: known?.cause ?? ending.error, next: known?.next }
}
