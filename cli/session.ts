import type { Session } from '../compose/index.ts'
import type { Context } from './context.ts'
import { onAbort } from './interrupt.ts'

/** Something a program wrote, for readers of JSON. */
export interface OutputEvent {
  readonly type: 'output'
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
}

/**
 * Connects this process's own input and output with a program in a container, until that ends. A terminal is handed
 * over as it is, so that every key reaches the program, and is given back whatever happens. In JSON what the program
 * writes is yielded instead.
 */
export async function* converse(
  session: Session,
  { tty }: { readonly tty: boolean },
  context: Context,
): AsyncIterable<OutputEvent> {
  const { stdout, stderr, mode, signal } = context
  const giveBack = tty ? takeTerminal(session, context) : () => {}
  const stopReading = passOn(session, context)
  onAbort(signal, () => session.close())
  try {
    for await (const { stream, payload } of session.output()) {
      if (mode === 'json') yield { type: 'output', stream, text: Buffer.from(payload).toString('utf8') }
      else await written(stream === 'stdout' ? stdout : stderr, payload)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    stopReading()
    giveBack()
  }
}

/** Keys go to the program as they are pressed, and it learns how large the terminal is. */
function takeTerminal(session: Session, { stdin, stdout }: Context): () => void {
  const resize = () => void session.resize(stdout.columns, stdout.rows).catch(() => {})
  const restore = () => stdin.setRawMode(false)
  stdin.setRawMode(true)
  // Whatever ends this process, the shell finds its terminal as it was.
  process.once('exit', restore)
  stdout.on('resize', resize)
  resize()
  return () => {
    restore()
    process.off('exit', restore)
    stdout.off('resize', resize)
  }
}

/** Everything this process reads goes to the program, its end too. */
function passOn(session: Session, { stdin }: Context): () => void {
  const onData = (chunk: Buffer) => {
    stdin.pause()
    void session.write(chunk).then(() => stdin.resume())
  }
  const onEnd = () => session.end()
  stdin.on('data', onData).once('end', onEnd)
  return () => {
    stdin.off('data', onData).off('end', onEnd).pause()
    // Who still holds the other end of a pipe does not keep this process.
    stdin.unref?.()
  }
}

function written(stream: NodeJS.WriteStream, payload: Uint8Array): Promise<void> {
  return new Promise((resolve) => void stream.write(payload, () => resolve()))
}

/** `NAME=value`; a name alone takes the value from here, if there is one. */
export function readVariables(given: readonly string[] = [], env: Context['env']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    given.flatMap((text): [string, string][] => {
      const [, name = text, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
      const known = value ?? env[name]
      return known === undefined ? [] : [[name, known]]
    }),
  )
}
