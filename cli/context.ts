import { createPaint, type Paint } from './output/paint.ts'

/** One run of the command line: where it was called, how it speaks, and when it shall stop. */
export interface Context {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  /** Screens and prompts are for `tty` only; `json` speaks to programs. */
  readonly mode: 'tty' | 'plain' | 'json'
  readonly paint: Paint
  readonly isColored: boolean
  /** Aborted by the first Ctrl-C, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal
}

interface Asked {
  json: boolean
  plain: boolean
}

/** Reads off the process how to behave: a terminal that a person watches, or a pipe, CI, a dumb terminal. */
export function createContext({ json, plain }: Asked, signal: AbortSignal): Context {
  const { env, stdin, stdout, stderr } = process
  const isTty = Boolean(stdin.isTTY && stdout.isTTY) && !env.CI && env.TERM !== 'dumb'
  const mode = json ? 'json' : isTty && !plain ? 'tty' : 'plain'
  const isColored =
    !json && !plain && !env.NO_COLOR && env.TERM !== 'dumb' && (Boolean(stdout.isTTY) || Boolean(env.FORCE_COLOR))
  return { cwd: process.cwd(), env, stdin, stdout, stderr, mode, paint: createPaint(isColored), isColored, signal }
}
