import { listStacks, openStack, type StackEvent, type StackSummary } from '../../compose/index.ts'
import { defineCommand, flag, type Option, seconds, type Values } from '../command.ts'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { sanitize } from '../output/sanitize.ts'
import { stackText } from '../output/stack-text.ts'
import { openProjectStack, stackOptions } from '../project.ts'

const options = {
  volumes: flag('-v, --volumes', 'remove the volumes too, with the data in them'),
  rmi: images(
    '--rmi <which>',
    'remove images too: local, those built for the stack; all, those its containers were made of as well',
  ),
  timeout: seconds(
    '-t, --timeout <seconds>',
    'how long a container may take to stop (default: what the file says; one that cannot hear the signal is killed at once)',
  ),
  removeOrphans: flag(
    '--remove-orphans',
    'as docker compose has it; here services that the file no longer has always go too, and one-off runs',
  ),
  all: flag('--all', 'every stack on this machine that celery-sandbox made'),
  yes: flag('-y, --yes', 'with --all: do not ask'),
  ...stackOptions,
}

export const command = defineCommand({
  options,
  examples: [
    'celery-sandbox down',
    'celery-sandbox down --volumes --rmi local',
    'celery-sandbox down --project-name shop',
    'celery-sandbox down --all --yes',
  ],

  async *run(context, given): AsyncIterable<StackEvent> {
    if (given.all) return yield* takeAllDown(context, given)
    const stack = await openProjectStack(context, given)
    try {
      // Who names a project means it, wherever it was started.
      yield* stack.down({ ...howTo(given), anyDirectory: given.projectName !== undefined })
    } finally {
      await stack.close()
    }
  },

  text: stackText,
  screen: async (events, context) => (await import('../ui/screens/progress.tsx')).showProgress(events, context),
})

function images(flags: string, meaning: string): Option<'local' | 'all' | undefined> {
  return { flags, meaning, choices: ['local', 'all'] }
}

const howTo = ({ volumes, rmi, timeout }: Values<typeof options>) => ({ volumes, images: rmi, timeoutSeconds: timeout })

async function* takeAllDown(context: Context, given: Values<typeof options>): AsyncIterable<StackEvent> {
  const { env, signal } = context
  const stacks = (await listStacks({ env, engine: given.engine })).filter(({ madeBy }) => madeBy === 'celery-sandbox')
  if (stacks.length === 0) return
  if (!given.yes) await confirm(question(stacks, given.volumes), '--yes', context)
  const nothingIsStarted = { broker: [], bin: [] }
  // The files of each are those of its own directory.
  const bare = { ...env, COMPOSE_FILE: undefined }
  for (const { name, directory, engine } of stacks) {
    const stack = await openStack({
      directory: directory ?? '/',
      projectName: name,
      engine,
      env: bare,
      signal,
      commands: nothingIsStarted,
    })
    try {
      yield* stack.down({ ...howTo(given), anyDirectory: true })
    } finally {
      await stack.close()
    }
  }
}

function question(stacks: readonly StackSummary[], volumes: boolean): string {
  const lines = stacks.map(
    ({ name, engine, directory }) => `  ${sanitize(name)} (${engine}, ${sanitize(directory ?? '?')})`,
  )
  return `${lines.join('\n')}\nTake all of these down${volumes ? ', with the data in their volumes' : ''}?`
}
