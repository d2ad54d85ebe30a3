import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parts } from './parts.ts'
import { answer, run, start } from './process.ts'
import { until } from './wait.ts'

export interface TerminalOptions {
  cwd?: string
  /** Added to this process's environment. */
  env?: Record<string, string | undefined>
  /** @default 100 */
  columns?: number
  /** @default 30 */
  rows?: number
}

/** What a program made of its terminal, or left behind in it. */
export interface TerminalFlags {
  /** The second screen, which full-screen programs enter and leave. */
  readonly alternateScreen: boolean
  readonly cursorVisible: boolean
  /** Lines and echo, as a shell wants them; false is raw mode. */
  readonly cooked: boolean
}

/** A real terminal (tmux, on a socket of its own) with one program in it. */
export interface Terminal extends AsyncDisposable {
  /** The text on the screen; trailing blanks are gone. `{ history: true }` puts what scrolled away above it. */
  screen(options?: { history?: boolean }): Promise<string>
  /** Waits for text on the screen, and gives the screen that shows it. */
  until(pattern: RegExp | string, options?: { timeoutMs?: number }): Promise<string>
  /** Types text, as it is. */
  type(text: string): Promise<void>
  /** Types a line, with its end. */
  enter(line: string): Promise<void>
  /** Presses keys by tmux's names: `Enter`, `Up`, `C-c`, `Escape`, `Tab`. */
  press(...keys: string[]): Promise<void>
  resize(columns: number, rows: number): Promise<void>
  flags(): Promise<TerminalFlags>
  /** Waits for the program to end by itself, and gives its exit code. */
  exit(options?: { timeoutMs?: number }): Promise<number>
  /** Ends the program and the terminal. */
  close(): Promise<void>
}

/**
 * Runs a command line in a terminal.
 *
 * @example
 * await using terminal = await openTerminal('node --interactive')
 * await terminal.until('> ')
 * await terminal.enter('1 + 1')
 * await terminal.until(/^2$/m)
 */
export async function openTerminal(
  command: string,
  { cwd = process.cwd(), env = {}, columns = 100, rows = 30 }: TerminalOptions = {},
): Promise<Terminal> {
  const directory = await mkdtemp(join(tmpdir(), 'celery-sandbox-terminal-'))
  const options = ['-S', join(directory, 'socket'), '-f', '/dev/null']
  // -D and -N: the server is our child, and no command starts another one.
  const server = start(parts().tmux.path, [...options, '-D'], { env: { ...noTestRunner, ...env } })

  async function tmux(...args: string[]): Promise<string> {
    const outcome = await run(parts().tmux.path, [...options, '-N', ...args], { timeoutMs: 10_000 })
    if (outcome.code !== 0) throw new Error(`tmux ${args[0]}: ${outcome.stderr.trim()}`)
    return outcome.stdout
  }

  const ask = async (format: string) => (await tmux('display-message', '-p', format)).trim()

  const screen: Terminal['screen'] = async ({ history = false } = {}) =>
    (await tmux('capture-pane', '-p', ...(history ? ['-S', '-'] : []))).replace(/[ \n]+$/, '')

  const close = async () => {
    await server.stop()
    await rm(directory, { recursive: true })
  }

  const size = ['-x', String(columns), '-y', String(rows)]
  try {
    await until(
      () =>
        tmux(...settings).then(
          () => true,
          () => false,
        ),
      { describe: 'tmux to start' },
    )
    await tmux('new-session', '-d', ...size, '-c', cwd, staying(command))
  } catch (error) {
    await close()
    throw error
  }
  return {
    screen,
    async until(pattern, { timeoutMs = 15_000 } = {}) {
      let shown = ''
      await until(
        async () => {
          shown = await screen()
          return typeof pattern === 'string' ? shown.includes(pattern) : pattern.test(shown)
        },
        { timeoutMs, describe: () => `${pattern} on the screen, which shows:\n${shown}` },
      )
      return shown
    },
    async type(text) {
      await tmux('send-keys', '-l', '--', text)
    },
    async enter(line) {
      await tmux('send-keys', '-l', '--', line, ';', 'send-keys', 'Enter')
    },
    async press(...keys) {
      await tmux('send-keys', '--', ...keys)
    },
    async resize(width, height) {
      await tmux('resize-window', '-x', String(width), '-y', String(height))
    },
    async flags() {
      const [alternate, cursor, device = ''] = (await ask('#{alternate_on} #{cursor_flag} #{pane_tty}')).split(' ')
      const modes = (await answer('stty', ['-F', device, '-a'])) ?? ''
      return {
        alternateScreen: alternate === '1',
        cursorVisible: cursor === '1',
        cooked: / icanon\b/.test(modes) && / echo\b/.test(modes),
      }
    },
    exit: ({ timeoutMs = 15_000 } = {}) =>
      until(() => ask('#{@exit}'), { timeoutMs, describe: `${command} to end` }).then(Number),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A person's terminal is no CI job and no test: programs that look for that must not find it. */
const noTestRunner = { CI: undefined, NODE_ENV: undefined, VITEST: undefined }

const settings = Object.entries({
  'default-shell': '/bin/sh',
  'default-terminal': 'tmux-256color',
  'escape-time': '0',
  status: 'off',
}).flatMap(([name, value]) => ['set-option', '-g', name, value, ';'])

/** The command line, after which the terminal stays as it was left, with the exit code in its option `@exit`. */
const staying = (command: string) => `trap : INT QUIT
(
${command}
)
tmux set-option -p @exit "$?"
exec sleep infinity`
