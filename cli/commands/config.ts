import { type Config, readConfig, type StackEvent } from '../../compose/index.ts'
import { choice, defineCommand, flag, type Values } from '../command.ts'
import type { Context } from '../context.ts'
import { createMask } from '../output/mask.ts'
import { sanitize } from '../output/sanitize.ts'
import { stackText } from '../output/stack-text.ts'
import { openProjectStack, stackOptions, whichProject } from '../project.ts'

type ConfigEvent =
  | { type: 'warning'; message: string }
  | { type: 'config'; config: unknown; printed?: string }
  | { type: 'name'; name: string }
  | { type: 'hash'; service: string; hash: string }
  | Extract<StackEvent, { type: 'plan' }>

/** What can be listed instead of the whole. */
const lists = ['services', 'networks', 'volumes', 'images', 'profiles'] as const

const format = choice('--format <format>', 'how the whole is printed', ['yaml', 'json'], 'yaml')

export const command = defineCommand({
  arguments: [['[services...]', 'only these and what they depend on (default: all)']],
  options: {
    format,
    services: flag('--services', 'only the names of the services'),
    networks: flag('--networks', 'only the names of the networks'),
    volumes: flag('--volumes', 'only the names of the volumes'),
    images: flag('--images', 'only the names of the images'),
    profiles: flag('--profiles', 'only the names of the profiles'),
    hash: flag('--hash', "only each service's config-hash, as Docker Compose computes it"),
    diff: flag('--diff', 'only what `up` would do now, and why'),
    quiet: flag('-q, --quiet', 'print nothing: say by the exit code whether the files are valid'),
    showSecrets: flag('--show-secrets', 'print passwords on a terminal too (a file or a pipe always gets them)'),
    ...stackOptions,
  },
  examples: [
    'celery-sandbox config',
    'celery-sandbox config --format json > resolved.json',
    'celery-sandbox config --file compose.yaml,production.yaml --services',
    'celery-sandbox config --diff',
    'celery-sandbox config --quiet',
  ],

  async *run(context, options, services): AsyncIterable<ConfigEvent> {
    const config = readConfig(whichProject(context.cwd, context.env, options), services)
    yield* told(config, context)
    if (options.quiet) return
    if (options.diff) return yield* difference(context, options, services)
    const list = lists.find((name) => options[name])
    if (list) for (const name of config[list]) yield { type: 'name', name }
    else if (options.hash) {
      for (const [service, hash] of Object.entries(config.hashes())) yield { type: 'hash', service, hash }
    } else {
      yield {
        type: 'config',
        config: JSON.parse(config.print('json')),
        ...(context.mode !== 'json' && { printed: shown(config.print(options.format), context, options) }),
      }
    }
  },

  text(event, paint) {
    if (event.type === 'plan') return stackText(event, paint)
    if (event.type === 'config') return event.printed
    if (event.type === 'hash') return `${sanitize(event.service)} ${event.hash}`
    return event.type === 'name' ? sanitize(event.name) : undefined
  },
})

/** What stands against what the files say. */
async function* difference(
  context: Context,
  choice: Values<typeof stackOptions>,
  services: readonly string[],
): AsyncIterable<ConfigEvent> {
  const stack = await openProjectStack(context, choice)
  try {
    for await (const event of stack.up({ services, dryRun: true })) if (event.type === 'plan') yield event
  } finally {
    await stack.close()
  }
}

/** Warnings are events for programs, and lines beside the output for people. */
function* told({ warnings, advice }: Config, { mode, stderr, paint }: Context): Iterable<ConfigEvent> {
  for (const message of [...warnings, ...advice]) {
    if (mode === 'json') yield { type: 'warning', message }
    else stderr.write(`${paint.warn(sanitize(message))}\n`)
  }
}

/** Whoever looks over a shoulder sees no password; what reads a file or a pipe needs it. */
function shown(printed: string, { stdout }: Context, { showSecrets }: { showSecrets: boolean }): string {
  return stdout.isTTY && !showSecrets ? createMask([])(printed) : printed
}
