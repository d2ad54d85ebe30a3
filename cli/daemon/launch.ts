import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'

/**
 * A daemon and who started it speak once, over a pipe: the daemon says that it is ready, or what went wrong. The same
 * words of the command line run in both; a variable tells the daemon that it is one.
 */
type News = { readonly type: 'ready' } | { readonly type: 'failed'; readonly error: Told }

/** An error as data, with what a reader of it is shown. */
interface Told {
  readonly name: string
  readonly message: string
  readonly code?: unknown
  readonly next?: unknown
  readonly details?: unknown
}

const variable = 'CELERY_SANDBOX_LAUNCHED'
const pipe = 3

export interface LaunchOptions {
  /** Takes what the daemon's process writes by itself; without it, nobody does. */
  readonly logfile?: string | undefined
  /** @default this Node */
  readonly executable?: string | undefined
}

/** What came of a start: the daemon is ready, or still at it after five seconds, when its broker is away for example. */
export interface Launched {
  readonly pid: number
  readonly isReady: boolean
}

/**
 * Starts this very command line again, as a daemon: in a session of its own, without a terminal.
 *
 * @throws what the daemon could not start for; {CliError} START_FAILED when it ended without a word
 */
export async function launch(
  { logfile, executable = process.execPath }: LaunchOptions,
  { signal }: Context,
): Promise<Launched> {
  const log = logfile === undefined ? undefined : openLog(logfile)
  const daemon = spawn(executable, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    env: { ...process.env, [variable]: '1' },
    stdio: ['ignore', 'ignore', log ?? 'ignore', 'pipe'],
  })
  if (log !== undefined) closeSync(log)
  const onAbort = () => daemon.kill()
  signal.addEventListener('abort', onAbort)
  try {
    await once(daemon, 'spawn').catch((cause) => {
      throw new CliError('START_FAILED', `${executable} cannot be run: ${cause.message}`, { cause })
    })
    const news = await firstNews(daemon)
    signal.throwIfAborted()
    if (news?.type === 'failed') throw Object.assign(new Error(), news.error)
    return { pid: daemon.pid ?? 0, isReady: news !== undefined }
  } finally {
    signal.removeEventListener('abort', onAbort)
    daemon.unref()
  }
}

const patienceMs = 5_000

/** Undefined when there is none for a while. */
async function firstNews(daemon: ChildProcess): Promise<News | undefined> {
  const ended = once(daemon, 'exit')
  const stream = daemon.stdio[pipe] as Readable
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(resolve, patienceMs, undefined)
  const told = await Promise.race([text(stream), late])
  clearTimeout(timer)
  stream.destroy()
  if (told === undefined) return undefined
  if (told !== '') return JSON.parse(told)
  const [code, signal] = await ended
  throw new CliError('START_FAILED', `it ended (${signal ?? `exit code ${code}`}) before it was ready`)
}

/** The daemon's end of the pipe. */
export interface Launcher {
  ready(): void
  failed(error: unknown): void
}

/** Who started this process as a daemon and waits for news; undefined when nobody did. */
export function takeLauncher(): Launcher | undefined {
  if (process.env[variable] === undefined) return undefined
  // What a task starts is no daemon of ours.
  delete process.env[variable]
  let hasTold = false
  const tell = (news: News) => {
    if (hasTold) return
    hasTold = true
    try {
      writeSync(pipe, JSON.stringify(news))
      closeSync(pipe)
    } catch {
      // Nobody waits any more.
    }
  }
  return {
    ready: () => tell({ type: 'ready' }),
    failed: (error) => tell({ type: 'failed', error: asTold(error) }),
  }
}

function asTold(error: unknown): Told {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { code, next, details } = error as Error & Partial<Told>
  return { name: error.name, message: error.message, code, next, details }
}

function openLog(path: string): number {
  try {
    return openSync(path, 'a')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CliError('UNWRITABLE', `the log cannot be written: ${reason}`, { cause })
  }
}
