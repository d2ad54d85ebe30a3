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

/** A conversation in the terminal: completion, history, top-level await. Resolves when the person leaves. */
export async function converse({ stdin, stdout, signal, paint }: Context, options: SessionOptions): Promise<void> {
  const colors = paint.dim('') !== ''
  const server = start({
    prompt: 'celery> ',
    input: stdin,
    output: stdout,
    terminal: true,
    ignoreUndefined: true,
    useColors: colors,
    writer: (value) => show(value, colors),
  })
  for (const [name, value] of Object.entries(options.words)) {
    Object.defineProperty(server.context, name, { value, enumerable: true, configurable: true, writable: true })
  }
  completeLastExpression(server)
  await rememberIn(join(options.directory, '.celery-sandbox', 'repl-history'), server)
  await new Promise((resolve) => {
    server.on('exit', resolve)
    onAbort(signal, () => server.close())
  })
}

// Node completes a line that is one expression; after `await` or inside a call it finds nothing.
function completeLastExpression(server: REPLServer): void {
  const complete = server.completer as AsyncCompleter
  Object.assign(server, {
    completer: ((line, done) => complete(/[\w$.]*$/.exec(line)?.[0] ?? line, done)) satisfies AsyncCompleter,
  })
}

function rememberIn(path: string, server: REPLServer): Promise<void> {
  mkdirSync(dirname(path), { recursive: true })
  // A history that cannot be read or written is not worth a failure.
  return new Promise((resolve) => server.setupHistory(path, () => resolve()))
}
