import type { Stack, StackEvent } from '../../compose/index.ts'
import { choice, defineCommand, flag, scales, seconds } from '../command.ts'
import type { Context } from '../context.ts'
import { stackText } from '../output/stack-text.ts'
import { openProjectStack, type StackChoice, stackOptions } from '../project.ts'
import { type LogEvent, logEvents, logText } from './logs.ts'

type UpEvent = StackEvent | LogEvent | { type: 'attached' } | { type: 'leaving'; removes: boolean }

const pullPolicies = ['policy', 'always', 'missing', 'never', 'build'] as const

export const command = defineCommand({
  arguments: [['[services...]', 'only these and what they depend on (default: all)']],
  options: {
    detach: flag('-d, --detach', 'leave the stack running and return'),
    scale: scales('--scale <service=n>', 'how many containers, instead of what the file says; may be repeated'),
    dryRun: flag('--dry-run', 'say what would be done, do nothing'),
    waitTimeout: seconds('--wait-timeout <seconds>', 'how long a service may take to become ready (default: 120)'),
    build: flag('--build', 'build images before anything is started, also those that are there'),
    noBuild: flag('--no-build', 'build nothing, also what is missing'),
    pull: choice('--pull <policy>', 'when images are pulled (policy: what each service says)', pullPolicies, 'policy'),
    verbose: flag('-v, --verbose', 'show what builds write'),
    strictPorts: flag('--strict-ports', 'fail when a port is taken, instead of taking the next free one'),
    ...stackOptions,
  },
  examples: [
    'celery-sandbox up -d',
    'celery-sandbox up -d --scale worker=4',
    'celery-sandbox up --engine embedded',
    'celery-sandbox up --build --dry-run',
  ],

  async *run(context, options, services): AsyncIterable<UpEvent> {
    const stack = await openProjectStack(context, options)
    let isUp = false
    let found: number | undefined
    try {
      for await (const event of bringUp(stack, { ...options, services }, context)) {
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
    const removes = found !== undefined && (!options.detach || found === 0)
    yield { type: 'leaving', removes }
    if (removes) yield* takeDown(context, options)
    if (!isUp) throw context.signal.reason
  },

  screen: async (events, context) => (await import('../ui/screens/progress.tsx')).showProgress(events, context),

  text(event, paint) {
    if (event.type === 'attached') return paint.dim('Ready. Ctrl-C takes the stack down.')
    if (event.type === 'leaving') {
      return event.removes
        ? 'Taking the stack down (Ctrl-C again leaves at once) …'
        : 'Interrupted; what ran before runs on.'
    }
    return event.type === 'log' ? logText(event, paint) : stackText(event, paint)
  },
})

interface UpChoice {
  readonly services: readonly string[]
  readonly scale: Readonly<Record<string, number>> | undefined
  readonly detach: boolean
  readonly dryRun: boolean
  readonly waitTimeout: number | undefined
  readonly build: boolean
  readonly noBuild: boolean
  readonly pull: (typeof pullPolicies)[number]
}

async function* bringUp(
  stack: Stack,
  { services, scale, detach, dryRun, waitTimeout, ...choice }: UpChoice,
  context: Context,
): AsyncIterable<UpEvent> {
  const images = {
    build: choice.noBuild ? ('never' as const) : choice.build ? ('always' as const) : undefined,
    pull: choice.pull === 'policy' ? undefined : choice.pull,
  }
  yield* stack.up({ services, scale, dryRun, timeoutSeconds: waitTimeout, images })
  if (detach || dryRun) return
  yield { type: 'attached' }
  yield* logEvents(stack, { follow: true, tail: 0 }, context)
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
