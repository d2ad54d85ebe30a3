import type { Command, CommandEvent } from '../command.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'

/** Shows what a command tells, in the way of the context: as JSON, as text, or on a screen as far as there is one. */
export async function print(events: AsyncIterable<CommandEvent>, command: Command, context: Context): Promise<void> {
  const iterator = events[Symbol.asyncIterator]()
  const out = command.comesInBursts ? gathered(context.stdout) : direct(context.stdout)
  try {
    let next =
      context.mode === 'tty' && command.screen ? await command.screen(iterator, context) : await iterator.next()
    for (; !next.done; next = await iterator.next()) {
      const line = context.mode === 'json' ? toJson(next.value) : command.text(next.value, context.paint)
      const end = context.mode !== 'json' && command.staysOnLine?.(next.value) ? '' : '\n'
      if (line !== undefined) out.write(`${line}${end}`)
    }
  } finally {
    out.flush()
    // What cannot be shown ends the command: it closes what it opened.
    await iterator.return?.()
  }
}

function direct(stdout: NodeJS.WriteStream): Out {
  return { write: (text) => void stdout.write(text), flush: () => {} }
}

interface Out {
  readonly write: (text: string) => void
  readonly flush: () => void
}

// Of a pipe's size: more is no gain.
const gatheredLength = 64 * 1024

/** What comes at once is written at once: a burst of lines is not as many calls to the system. */
function gathered(stdout: NodeJS.WriteStream): Out {
  let waiting = ''
  const flush = () => {
    if (waiting !== '') stdout.write(waiting)
    waiting = ''
  }
  return {
    write(text) {
      if (waiting === '') setImmediate(flush)
      waiting += text
      if (waiting.length >= gatheredLength) flush()
    },
    flush,
  }
}

declare global {
  interface JSON {
    rawJSON(text: string): unknown
  }
}

/** Results may hold integers of any size, as Python's do. */
const exactNumbers = (_key: string, value: unknown) => (typeof value === 'bigint' ? JSON.rawJSON(String(value)) : value)

/** What steers a terminal and JSON leaves as it is: DEL, the controls of C1, marks that reorder text, line ends. */
const steering = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g
const escaped = (letter: string) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Of one form in all commands: when, which version of the format, what. */
export function toJson(event: CommandEvent): string {
  const { type, ...fields } = event
  try {
    const text = JSON.stringify({ type, ts: new Date().toISOString(), v: 1, ...fields }, exactNumbers)
    return text.replace(steering, escaped)
  } catch (cause) {
    const [reason] = cause instanceof Error ? cause.message.split('\n') : []
    throw new CliError('NOT_JSON', `this cannot be written as JSON: ${reason}`, { cause })
  }
}
