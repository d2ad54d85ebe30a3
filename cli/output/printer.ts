import type { Command, CommandEvent } from '../command.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'

/** Shows what a command tells, in the way of the context: as JSON, as text, or on a screen as far as there is one. */
export async function print(events: AsyncIterable<CommandEvent>, command: Command, context: Context): Promise<void> {
  const iterator = events[Symbol.asyncIterator]()
  try {
    let next =
      context.mode === 'tty' && command.screen ? await command.screen(iterator, context) : await iterator.next()
    for (; !next.done; next = await iterator.next()) {
      const line = context.mode === 'json' ? toJson(next.value) : command.text(next.value, context.paint)
      const end = context.mode !== 'json' && command.staysOnLine?.(next.value) ? '' : '\n'
      if (line !== undefined) context.stdout.write(`${line}${end}`)
    }
  } finally {
    // What cannot be shown ends the command: it closes what it opened.
    await iterator.return?.()
  }
}

declare global {
  interface JSON {
    rawJSON(text: string): unknown
  }
}

/** Results may hold integers of any size, as Python's do. */
const exactNumbers = (_key: string, value: unknown) => (typeof value === 'bigint' ? JSON.rawJSON(String(value)) : value)

/** Of one form in all commands: when, which version of the format, what. */
export function toJson(event: CommandEvent): string {
  const { type, ...fields } = event
  try {
    return JSON.stringify({ type, ts: new Date().toISOString(), v: 1, ...fields }, exactNumbers)
  } catch (cause) {
    const [reason] = cause instanceof Error ? cause.message.split('\n') : []
    throw new CliError('NOT_JSON', `this cannot be written as JSON: ${reason}`, { cause })
  }
}
