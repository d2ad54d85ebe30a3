import { listStacks, type StackSummary } from '../../compose/index.ts'
import { defineCommand, flag } from '../command.ts'
import type { Context } from '../context.ts'
import type { Paint } from '../output/paint.ts'
import { sanitize } from '../output/sanitize.ts'
import { table } from '../output/table.ts'
import { stackOptions } from '../project.ts'

export interface StacksEvent {
  readonly type: 'stacks'
  readonly stacks: readonly StackSummary[]
}

export const command = defineCommand({
  options: {
    quiet: flag('-q, --quiet', 'only their names'),
    engine: stackOptions.engine,
  },
  examples: ['celery-sandbox ls', 'celery-sandbox ls --json'],

  async *run(context, { engine, quiet }): AsyncIterable<StacksEvent | { type: 'name'; name: string }> {
    if (!quiet) return yield* stacksOf(context, engine)
    for await (const { stacks } of stacksOf(context, engine))
      yield* stacks.map(({ name }) => ({ type: 'name' as const, name }))
  },

  text: (event, paint) => (event.type === 'name' ? sanitize(event.name) : stacksText(event, paint)),
})

/** Every stack on this machine, in one event. */
export async function* stacksOf({ env }: Context, engine: 'auto' | 'docker' | 'embedded'): AsyncIterable<StacksEvent> {
  yield { type: 'stacks', stacks: await listStacks({ env, engine }) }
}

export function stacksText({ stacks }: StacksEvent, paint: Paint): string {
  if (stacks.length === 0) return 'There are no stacks on this machine.'
  const rows = stacks.map((stack) => [
    paint.name(sanitize(stack.name)),
    statesText(stack, paint),
    stack.engine,
    stack.madeBy,
    directoryText(stack, paint),
  ])
  return table([['NAME', 'STATE', 'ENGINE', 'MADE BY', 'DIRECTORY'].map(paint.dim), ...rows])
}

/** `running (3), exited (1)`, as Compose has it. */
function statesText({ states }: StackSummary, paint: Paint): string {
  const text = Object.entries(states).map(([state, count]) => `${state} (${count})`)
  return (states.running ? paint.good : paint.bad)(sanitize(text.sort().reverse().join(', ')))
}

function directoryText({ directory, isOrphan, name }: StackSummary, paint: Paint): string {
  if (directory === undefined) return paint.dim('unknown')
  const gone = paint.warn(` (no longer there; celery-sandbox down -p ${sanitize(name)})`)
  return `${sanitize(directory)}${isOrphan ? gone : ''}`
}
