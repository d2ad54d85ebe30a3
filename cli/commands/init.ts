import { relative } from 'node:path'
import { choice, defineCommand, flag } from '../command.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { installDependencies } from '../scaffold/install.ts'
import { type Answers, brokerNames, defaultAnswers, planScaffold, templateNames } from '../scaffold/plan.ts'
import { refuseTaken, writeScaffold } from '../scaffold/write.ts'

type InitEvent =
  | { type: 'file'; path: string }
  | { type: 'installing' }
  | { type: 'created'; name: string; directory: string; command: string; next: readonly string[] }

export const command = defineCommand({
  arguments: [['[name]', 'the project, and the directory that is made for it; . for this one']],
  options: {
    template: choice('--template <template>', 'what to begin with', templateNames, defaultAnswers.template),
    broker: choice(
      '--broker <broker>',
      'RabbitMQ with Redis for results, or Redis for both',
      brokerNames,
      defaultAnswers.broker,
    ),
    yes: flag('-y, --yes', 'ask nothing: flags and defaults are the answers'),
    force: flag('--force', 'write into a directory that is not empty; its .env is kept'),
    noInstall: flag('--skip-install', 'do not run npm install'),
    dryRun: flag('--dry-run', 'list the files, write nothing'),
  },
  examples: ['celery-sandbox init shop', 'celery-sandbox init shop --broker redis --yes'],

  async *run(context, options, [name]): AsyncIterable<InitEvent> {
    const answers = await answersFor(context, { ...options, name })
    const plan = planScaffold(answers, context.cwd)
    // Who was asked has seen the files.
    if (options.yes || context.mode !== 'tty') for (const { path } of plan.files) yield { type: 'file', path }
    if (options.dryRun) return
    await refuseTaken(plan.directory, options.force)
    if (!options.noInstall) yield { type: 'installing' }
    const finish = async (directory: string) => {
      if (!options.noInstall) await installDependencies(directory, context.signal)
    }
    await writeScaffold(plan, { force: options.force, finish })
    const directory = relative(context.cwd, plan.directory) || '.'
    yield {
      type: 'created',
      name: plan.name,
      directory,
      command: equivalent(answers),
      next: nextSteps(directory, options),
    }
  },

  text(event, paint) {
    switch (event.type) {
      case 'file':
        return paint.dim(`  ${event.path}`)
      case 'installing':
        return 'Installing dependencies …'
      case 'created':
        return [
          `${paint.good('✓')} ${paint.strong(event.name)} is made. The same again: ${paint.dim(event.command)}`,
          'Next:',
          ...event.next.map((line) => `  ${paint.name(line)}`),
        ].join('\n')
    }
  },
})

interface Given extends Omit<Answers, 'name'> {
  readonly name: string | undefined
  readonly yes: boolean
}

async function answersFor(context: Context, { name, template, broker, yes }: Given): Promise<Answers> {
  const given = { name: name ?? defaultAnswers.name, template, broker }
  if (yes) return given
  if (context.mode === 'tty') {
    const { askForProject } = await import('../ui/screens/init.tsx')
    return askForProject({ ...given, name: name ?? '' }, context)
  }
  if (name !== undefined) return given
  const next = `For example: celery-sandbox init ${defaultAnswers.name} --template ${template} --broker ${broker} --yes`
  throw new CliError('NOT_A_TTY', 'the project needs a name, and there is no terminal to ask', { next })
}

const equivalent = ({ name, template, broker }: Answers) =>
  `celery-sandbox init ${name} --template ${template} --broker ${broker} --yes`

function nextSteps(directory: string, { noInstall }: { noInstall: boolean }): string[] {
  const enter = directory === '.' ? [] : [`cd ${directory}`]
  const install = noInstall ? ['npm install'] : []
  return [...enter, ...install, 'npx celery-sandbox up -d', "npx celery-sandbox repl -e 'await add.delay(4, 4).get()'"]
}
