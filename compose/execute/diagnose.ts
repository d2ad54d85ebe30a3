/** What is known of a container that ended. */
export interface Ending {
  readonly exitCode: number
  readonly oomKilled: boolean
  /** Bytes. */
  readonly memoryLimit: number | undefined
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
  /** The first lines that show it. */
  readonly evidence: readonly string[]
}

interface Cause {
  readonly shows?: RegExp
  readonly cause: string
  readonly next?: string
}

/** The likely cause of an ending, and what to do about it. */
export function diagnose(ending: Ending): Diagnosis {
  const text = [ending.error, ...ending.lines].join('\n')
  const known: Cause | undefined =
    outOfMemory(ending) ??
    causesByText.surest.find(({ shows }) => shows.test(text)) ??
    causesByCode[ending.exitCode] ??
    causesByText.likely.find(({ shows }) => shows.test(text)) ??
    endings[ending.exitCode]
  const evidence = ending.lines.filter((line) => known?.shows?.test(line)).slice(0, 3)
  return { cause: known?.cause ?? ending.error, next: known?.next, evidence }
}

function outOfMemory({ oomKilled, memoryLimit }: Ending): Cause | undefined {
  if (!oomKilled) return undefined
  const limit = memoryLimit === undefined ? 'it may' : `its limit of ${Math.round(memoryLimit / 1024 / 1024)} MiB`
  return {
    cause: `out of memory, it used more than ${limit}`,
    next: 'Raise its memory limit (`deploy.resources.limits.memory` or `mem_limit`).',
  }
}

const beginAnew = '`celery-sandbox down --volumes` begins anew, without its data.'

/** Causes by what is written, the surest first; `surest` says more than an exit code does. */
const causesByText: Readonly<Record<'surest' | 'likely', readonly (Cause & { readonly shows: RegExp })[]>> = {
  surest: [
    {
      shows: /exec format error/i,
      cause: 'its program is for another kind of processor',
      next: 'Choose an image for this machine, or set `platform:`; a script needs a first line such as #!/bin/sh.',
    },
    {
      shows: /cookie file .* must be accessible|erlang\.cookie.*(eacces|permission denied)|invalid challenge reply/i,
      cause: 'it may not use its Erlang cookie',
      next: `The cookie in its volume belongs to another user or node. ${beginAnew}`,
    },
    {
      shows: /inconsistent_(cluster|database)|incompatible_feature_flags|(mnesia|schema).*(bad|corrupt|wrong)/i,
      cause: 'its data is of another node or another version',
      next: `Give the service its former \`hostname\` and image. ${beginAnew}`,
    },
    {
      shows: /fail(ed|ure) (to|while) import(ing)? definitions|definitions.*(not_json|invalid|malformed|enoent)/i,
      cause: 'its definitions cannot be imported',
      next: 'Correct the file of definitions that its configuration names.',
    },
    {
      shows: /(bad file format|unexpected end of file) reading the append[ -]only file|redis-check-aof/i,
      cause: 'its append-only file is damaged',
      next: `Mend it with \`redis-check-aof --fix\`. ${beginAnew}`,
    },
    {
      shows:
        /wrong signature trying to load DB|can't handle RDB format version|short read.*loading DB|redis-check-rdb/i,
      cause: 'its data is damaged, or of a newer version',
      next: `Use the image it was written by. ${beginAnew}`,
    },
  ],
  likely: [
    {
      shows: /cannot find (module|package)|ERR_MODULE_NOT_FOUND/i,
      cause: 'a module is missing',
      next: 'Run `npm install` in the project, then `up` again.',
    },
    {
      shows: /ModuleNotFoundError|No module named|Unable to load celery application|The module .* was not found/,
      cause: 'a Python module is missing',
      next: 'Install it in the image; for your own code look at `-A`, `working_dir` and `volumes`.',
    },
    {
      shows: /ERR_UNKNOWN_FILE_EXTENSION|SyntaxError/,
      cause: 'its code could not be loaded',
      next: 'Mend the file named above; the service needs Node 22.18 or newer.',
    },
    { shows: /\bImportError\b/, cause: 'its code could not be loaded', next: 'Mend the import named above.' },
    {
      shows: /EADDRINUSE|address already in use/i,
      cause: 'its port is taken',
      next: 'Stop what listens there, or change the port in its configuration.',
    },
    {
      shows:
        /ACCESS_REFUSED|WRONGPASS|NOAUTH|invalid username-password|authentication (failed|required)|login was refused/i,
      cause: 'a login was refused',
      next: 'Compare user and password in `.env` with those the broker was set up with; `down --volumes` begins anew.',
    },
    {
      shows: /EAI_AGAIN|ENOTFOUND|name resolution|name or service not known/i,
      cause: 'a host it needs is not known',
      next: 'Name a service as the compose file does; both must share a network.',
    },
    {
      shows: /ECONNREFUSED|connection refused/i,
      cause: 'a service it needs does not answer',
      next: 'Let it wait: `depends_on: { <service>: { condition: service_healthy } }`.',
    },
    {
      shows:
        /fatal config file error|bad configuration|conf_to_.*schema|failed to load.*conf|config.*(syntax|invalid)|can't open config file|error preparing configuration|transforming datatype/i,
      cause: 'its configuration is wrong',
      next: 'Correct the line quoted above.',
    },
    {
      shows: /no space left on device|ENOSPC|disk resource limit alarm set/i,
      cause: 'the disk is full',
      next: 'Free space on the disk; `docker system prune` may help.',
    },
    {
      shows: /permission denied|EACCES/i,
      cause: 'it lacks a permission',
      next: 'Check the owner of its mounted files and the `user` of the service.',
    },
    {
      shows: /ENOENT|no such file or directory|can't open file/i,
      cause: 'a file it needs is not there',
      next: 'Check `volumes`, `working_dir` and the paths in `command`.',
    },
  ],
}

/** What a shell means by its exit code. */
const causesByCode: Readonly<Record<number, Cause>> = {
  126: { cause: 'a command may not be executed', next: 'Make the file executable, or correct `command`.' },
  127: {
    cause: 'a command was not found',
    next: 'Correct `command` or `entrypoint`, or choose an image that has the program.',
  },
}

const endings: Readonly<Record<number, Cause>> = {
  130: { cause: 'it was asked to stop' },
  137: { cause: 'it was killed' },
  143: { cause: 'it was asked to stop' },
}
