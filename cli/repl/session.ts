import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { AsyncCompleter } from 'node:readline'
import { type REPLServer, start } from 'node:repl'
import type { Context } from '../context.ts'
import { onAbort } from '../interrupt.ts'
import { show } from './show.ts'

export interface SessionOptions {
  readonly words: Readonly<Record<string, unknown>>
  /** The project's directory: its history is kept there. */
  readonly directory: string
}

/**
 * A conversation in the terminal: completion, history, top-level await. Ctrl-C ends what is being evaluated or waited
 * for. Resolves when the person leaves, or the signal aborts.
 */
export async function converse({ stdin, stdout, signal, paint }: Context, options: SessionOptions): Promise<void> {
  const colors = paint.dim('') !== ''
  const server = start({
    prompt: 'celery> ',
    input: stdin,
    output: stdout,
    terminal: true,
    breakEvalOnSigint: true,
    ignoreUndefined: true,
    useColors: colors,
    writer: (value) => show(value, colors),
  })
  for (const [name, value] of Object.entries(options.words)) {
    Object.defineProperty(server.context, name, { value, enumerable: true, configurable: true, writable: true })
  }
  completeLastExpression(server)
  letCtrlCBreakLoops(server)
  await rememberIn(join(options.directory, '.celery-sandbox', 'repl-history'), server)
  await new Promise<void>((resolve) => {
    server.on('exit', resolve)
    onAbort(signal, () => {
      server.close()
      resolve() // a server that waits for a promise emits no exit
    })
  })
}

// Node completes a line that is one expression; after `await` or inside a call it finds nothing.
function completeLastExpression(server: REPLServer): void {
  const complete = server.completer as AsyncCompleter
  Object.assign(server, {
    completer: ((line, done) => complete(/[\w$.]*$/.exec(line)?.[0] ?? line, done)) satisfies AsyncCompleter,
  })
}

// In a loop nothing but the engine itself hears SIGINT, and it does not as long as the process has listeners of its own.
function letCtrlCBreakLoops(server: REPLServer): void {
  const { eval: evaluate } = server
  const evaluateAlone: typeof evaluate = function (this: REPLServer, ...given) {
    const listeners = process.listeners('SIGINT')
    for (const listener of listeners) process.off('SIGINT', listener)
    try {
      evaluate.apply(this, given)
    } finally {
      for (const listener of listeners) process.on('SIGINT', listener)
    }
  }
  Object.assign(server, { eval: evaluateAlone })
}

function rememberIn(path: string, server: REPLServer): Promise<void> {
  // A history that cannot be read or written is not worth a failure.
  try {
    mkdirSync(dirname(path), { recursive: true })
  } catch {
    return Promise.resolve()
  }
  return new Promise((resolve) => server.setupHistory(path, () => resolve()))
}
