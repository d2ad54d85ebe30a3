import { dirname } from 'node:path'
import { type Celery, maskUrl, shortName, version } from '../../src/index.ts'
import { withApp } from '../app.ts'
import { appOption, defineCommand, text } from '../command.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { unlessAborted } from '../interrupt.ts'
import { sanitize } from '../output/sanitize.ts'
import { stackOptions } from '../project.ts'
import { evaluate } from '../repl/evaluate.ts'
import { show } from '../repl/show.ts'
import { wordsOf } from '../repl/words.ts'

type ReplEvent = { type: 'welcome'; text: string } | { type: 'value'; value: unknown }

export const command = defineCommand({
  options: {
    app: appOption,
    evaluate: text('-e, --eval <program>', 'run this and print its value'),
    ...stackOptions,
  },
  examples: [
    'celery-sandbox repl',
    "celery-sandbox repl -e 'await add.delay(4, 4).get()'",
    "echo 'await ping()' | celery-sandbox repl --json",
  ],

  run: (context, options) =>
    withApp(context, options, async function* (app, path): AsyncIterable<ReplEvent> {
      const words = wordsOf(app)
      const program = options.evaluate ?? (context.stdin.isTTY ? undefined : await readAll(context.stdin))
      if (program !== undefined) {
        const value = evaluate(program, words).catch(blame)
        return yield { type: 'value', value: await unlessAborted(value, context.signal) }
      }
      yield { type: 'welcome', text: welcome(app, context) }
      const { converse } = await import('../repl/session.ts')
      await converse(context, { words, directory: dirname(path) })
    }),

  text(event) {
    if (event.type === 'welcome') return event.text
    if (event.value === undefined) return undefined
    return typeof event.value === 'string' ? sanitize(event.value) : show(event.value)
  },
})

/** What a program throws is its own, unless it is a task's exception or says itself what to do. */
function blame(thrown: unknown): never {
  if (thrown instanceof Error && ('next' in thrown || 'excType' in thrown)) throw thrown
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
  throw new CliError('PROGRAM_FAILED', message, { cause: thrown })
}

function welcome(app: Celery, { paint }: Context): string {
  const tasks = app.tasks.names().map((name) => sanitize(shortName(name)))
  return [
    `${paint.strong(`celery-sandbox ${version}`)} ${paint.dim(`app ${sanitize(app.main)}, broker ${maskUrl(app.conf.brokerUrl)}`)}`,
    paint.dim(
      `tasks: ${tasks.join(', ') || 'none'} · try: await ${tasks[0] ?? 'task'}.delay(…).get() · leave with .exit`,
    ),
  ].join('\n')
}

async function readAll(stream: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks).toString()
}
