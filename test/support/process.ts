import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { until } from './wait.ts'

export interface ProcessOptions {
  cwd?: string
  /** Added to this process's environment; `undefined` takes a variable away. */
  env?: Record<string, string | undefined>
  /** Written to standard input, which then ends. */
  input?: string
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Outcome extends Exit {
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program to its end and says what it wrote and how it ended; a failure is an outcome, not an exception.
 *
 * @throws when it cannot be started, or is still running at the deadline (it is killed then, with its children).
 */
export async function run(
  command: string,
  args: string[] = [],
  { timeoutMs = 60_000, ...options }: ProcessOptions & { timeoutMs?: number } = {},
): Promise<Outcome> {
  const program = new Program(command, args, options)
  program.end(options.input)
  const deadline = AbortSignal.timeout(timeoutMs)
  deadline.addEventListener('abort', () => program.kill(), { once: true })
  const exit = await program.exited
  if (deadline.aborted) throw new Error(`${program} still ran after ${timeoutMs} ms and wrote:\n${program.output}`)
  return { ...exit, stdout: program.stdout, stderr: program.stderr }
}

/** What a program wrote on its standard output, trimmed; undefined when it is not there or failed. */
export async function answer(command: string, args: string[] = [], options: ProcessOptions = {}) {
  const outcome = await run(command, args, options).catch(() => undefined)
  return outcome?.code === 0 ? outcome.stdout.trim() : undefined
}

/** Starts a program that stays; should this process die before it, whatever the reason, it gets `whenOrphaned`. */
export function start(
  command: string,
  args: string[] = [],
  { whenOrphaned = 'KILL', ...options }: ProcessOptions & { whenOrphaned?: 'KILL' | 'TERM' } = {},
): Program {
  const program =
    process.platform === 'linux'
      ? new Program('setpriv', ['--pdeathsig', whenOrphaned, '--', command, ...args], options)
      : new Program(command, args, options)
  if (options.input !== undefined) program.end(options.input)
  return program
}

/** A running program: what it wrote so far, and the ways to wait for it and to end it. */
export class Program implements AsyncDisposable {
  readonly pid: number | undefined
  stdout = ''
  stderr = ''
  /** Both streams, in the order in which they came. */
  output = ''
  exit: Exit | undefined
  readonly exited: Promise<Exit>
  readonly #name: string
  readonly #child

  constructor(command: string, args: string[], { cwd, env = {} }: ProcessOptions) {
    this.#name = [command, ...args].join(' ')
    // Its own process group, so that `kill` reaches the children as well.
    this.#child = spawn(command, args, { cwd, env: { ...process.env, ...env }, detached: true })
    this.pid = this.#child.pid
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code, signal) => {
        this.exit = { code, signal }
        resolve(this.exit)
      })
    })
    // Whoever waits hears of it; nobody has to.
    this.exited.catch(() => {})
    for (const stream of ['stdout', 'stderr'] as const) {
      this.#child[stream].setEncoding('utf8').on('data', (text: string) => {
        this[stream] += text
        this.output += text
      })
    }
    // A program may end without having read its input.
    this.#child.stdin.on('error', () => {})
  }

  toString(): string {
    return this.#name
  }

  /** Resolves with the first match in what it wrote; rejects when it ends before that, or at the deadline. */
  until(pattern: RegExp | string, { timeoutMs = 20_000 } = {}): Promise<string> {
    const find = () =>
      typeof pattern === 'string' ? this.output.includes(pattern) && pattern : pattern.exec(this.output)?.[0]
    return until(
      () => {
        const found = find()
        if (!found && this.exit)
          throw new Error(`${this} ended (${this.#how()}) before it wrote ${pattern}:\n${this.output}`)
        return found
      },
      { timeoutMs, describe: () => `${this} to write ${pattern}; so far:\n${this.output}` },
    )
  }

  /** Its standard output from now on, line by line. */
  lines(): AsyncIterator<string, undefined> {
    return createInterface(this.#child.stdout)[Symbol.asyncIterator]()
  }

  write(text: string): void {
    this.#child.stdin.write(text)
  }

  end(text = ''): void {
    this.#child.stdin.end(text)
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Asks it to end, and kills it with its children if it has not ended in time. */
  async stop({ signal = 'SIGTERM' as NodeJS.Signals, timeoutMs = 10_000 } = {}): Promise<Exit> {
    this.signal(signal)
    const timer = setTimeout(() => this.kill(), timeoutMs)
    return this.exited.finally(() => clearTimeout(timer))
  }

  kill(): void {
    if (this.pid === undefined || this.exit) return
    try {
      process.kill(-this.pid, 'SIGKILL')
    } catch {
      // It ended a moment ago.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #how(): string {
    return this.exit?.signal ?? `exit code ${this.exit?.code}`
  }
}
