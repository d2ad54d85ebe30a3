import type { Stack, StackEvent, UpOptions } from '../../compose/index.ts'
import { choice, defineCommand, flag, scales, seconds, type Values } from '../command.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { together } from '../feed.ts'
import { sanitize } from '../output/sanitize.ts'
import { stackText } from '../output/stack-text.ts'
import { openProjectStack, type StackChoice, stackOptions } from '../project.ts'
import { type LogEvent, logEvents, logText } from './logs.ts'

type UpEvent =
  | StackEvent
  | LogEvent
  /** A page of a service for people. */
  | { type: 'page'; service: string; what: string; url: string; login: string }
  | { type: 'attached' }
  | { type: 'leaving'; removes: boolean }

const pullPolicies = ['policy', 'always', 'missing', 'never', 'build'] as const

const options = {
  detach: flag('-d, --detach', 'leave the stack running and return'),
  scale: scales('--scale <service=n>', 'how many containers, instead of what the file says; may be repeated'),
  dryRun: flag('--dry-run', 'say what would be done and why, do nothing'),
  noDeps: flag('--no-deps', 'not what the services depend on'),
  forceRecreate: flag('--force-recreate', 'make every container anew'),
  noRecreate: flag('--no-recreate', 'make no container anew, also if its configuration changed'),
  removeOrphans: flag('--remove-orphans', 'remove containers of services that the file no longer has'),
  watch: flag('-w, --watch', 'restart, build or copy when files change; not with --detach'),
  wait: flag('--wait', 'the same as --detach: up always waits until services are ready'),
  waitTimeout: seconds('--wait-timeout <seconds>', 'how long a service may take to become ready (default: 120)'),
  build: flag('--build', 'build images before anything is started, also those that are there'),
  noBuild: flag('--no-build', 'build nothing, also what is missing'),
  pull: choice('--pull <policy>', 'when images are pulled (policy: what each service says)', pullPolicies, 'policy'),
  verbose: flag('-v, --verbose', 'show what builds write'),
  strictPorts: flag('--strict-ports', 'fail when a port is taken, instead of taking the next free one'),
  ...stackOptions,
}

export const command = defineCommand({
  comesInBursts: true,
  arguments: [['[services...]', 'only these and what they depend on (default: all)']],
  options,
  examples: [
    'celery-sandbox up -d',
    'celery-sandbox up -d --scale worker=4',
    'celery-sandbox up --engine embedded',
    'celery-sandbox up --build --dry-run',
  ],

  async *run(context, options, services): AsyncIterable<UpEvent> {
    const wanted = upOptions(options, services)
    if (options.watch && (options.detach || options.wait)) {
      throw new CliError('USAGE', '--watch stays to watch, so it cannot go with --detach', {
        next: 'Start with `up -d`, then: celery-sandbox watch',
      })
    }
    const isAttached = !options.detach && !options.wait && !options.dryRun
    const stack = await openProjectStack(context, options)
    let isUp = false
    let found: number | undefined
    try {
      for await (const event of bringUp(stack, wanted, { isAttached, watches: options.watch }, context)) {
        isUp ||= event.type === 'attached'
        if (event.type === 'plan') found = event.found
        if (event.type !== 'output' || options.verbose || context.mode === 'json') yield event
      }
    } catch (error) {
      if (!context.signal.aborted) throw error
    } finally {
      await stack.close()
    }
    if (!context.signal.aborted || options.dryRun) return
    // Attached, the stack lives as long as this command; detached, nothing half-made stays behind. Whoever was still
    // waiting for another command has made nothing.
    const removes = found !== undefined && (isAttached || found === 0)
    yield { type: 'leaving', removes }
    if (removes) yield* takeDown(context, options)
    if (!isUp) throw context.signal.reason
  },

  screen: async (events, context) => (await import('../ui/screens/progress.tsx')).showProgress(events, context),

  text(event, paint) {
    if (event.type === 'attached') return paint.dim('Ready. Ctrl-C takes the stack down.')
    if (event.type === 'page') {
      const [service, url, login] = [event.service, event.url, event.login].map(sanitize)
      return paint.dim(`  ${service} ${event.what}: ${url} (log in as ${login}; celery-sandbox env shows the password)`)
    }
    if (event.type === 'leaving') {
      return event.removes
        ? 'Taking the stack down (Ctrl-C again leaves at once) …'
        : 'Interrupted; what ran before runs on.'
    }
    return event.type === 'log' ? logText(event, paint) : stackText(event, paint)
  },
})

async function* bringUp(
  stack: Stack,
  given: UpOptions,
  { isAttached, watches }: { isAttached: boolean; watches: boolean },
  context: Context,
): AsyncIterable<UpEvent> {
  yield* stack.up(given)
  if (!given.dryRun) yield* pages(stack)
  if (!isAttached) return
  yield { type: 'attached' }
  const logs = logEvents(stack, { follow: true, tail: 0 }, context)
  if (!watches) return yield* logs
  const over = new AbortController()
  try {
    yield* together<UpEvent>(logs, stack.watch({ services: given.services, signal: over.signal }))
  } finally {
    over.abort()
  }
}

const managementPort = 15672

/** The management UI of RabbitMQ, where it is published. */
async function* pages(stack: Stack): AsyncIterable<UpEvent> {
  for (const { role, service, ports } of await stack.ps()) {
    const binding = role === 'rabbitmq' ? ports.find(({ target }) => target === managementPort) : undefined
    if (!binding) continue
    const { RABBITMQ_DEFAULT_USER: login = 'guest' } = await stack.environment(service)
    yield { type: 'page', service, what: 'management', url: `http://${binding.host}:${binding.port}`, login }
  }
}

/** What the flags ask for. */
function upOptions(given: Values<typeof options>, services: readonly string[]): UpOptions {
  const { scale, dryRun, noDeps, removeOrphans, waitTimeout, forceRecreate, noRecreate, build, noBuild, pull } = given
  if (forceRecreate && noRecreate) throw new CliError('USAGE', '--force-recreate and --no-recreate exclude each other')
  return {
    ...{ services, scale, dryRun, removeOrphans, dependencies: !noDeps, timeoutSeconds: waitTimeout },
    recreate: forceRecreate ? 'always' : noRecreate ? 'never' : undefined,
    images: {
      build: noBuild ? 'never' : build ? 'always' : undefined,
      pull: pull === 'policy' ? undefined : pull,
    },
  }
}

// The signal has done its work; taking down must not hear it.
async function* takeDown(context: Context, choice: StackChoice): AsyncIterable<StackEvent> {
  const stack = await openProjectStack(context, choice, new AbortController().signal)
  try {
    yield* stack.down()
  } finally {
    await stack.close()
  }
}
