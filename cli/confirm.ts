import { createInterface } from 'node:readline/promises'
import type { Context } from './context.ts'
import { CliError } from './errors.ts'

/**
 * Asks a person, who must answer y or yes.
 *
 * @param flag what says yes beforehand: `--yes`
 * @throws {CliError} ABORTED; USAGE when nobody can be asked
 */
export async function confirm(question: string, flag: string, { mode, stdin, stderr, signal }: Context): Promise<void> {
  if (mode === 'json') throw new CliError('USAGE', 'nobody can be asked in JSON', { next: `Say ${flag}.` })
  const lines = createInterface({ input: stdin, output: stderr, terminal: false })
  // An input that has ended answers nothing.
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  const answer = await Promise.race([lines.question(`${question} [y/N]: `, { signal }), ended])
  lines.close()
  if (/^y(es)?$/i.test(answer.trim())) return
  throw new CliError('ABORTED', 'Nothing was changed.', { next: `Answer y to go on, or say ${flag}.` })
}
