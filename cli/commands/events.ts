import type { ContainerEvent } from '../../compose/index.ts'
import type { ReceivedEvent } from '../../src/index.ts'
import { withApp } from '../app.ts'
import { appOption, defineCommand, flag, type Values } from '../command.ts'
import type { Context } from '../context.ts'
import { feed } from '../feed.ts'
import { onAbort } from '../interrupt.ts'
import { moment } from '../logs/moment.ts'
import { sanitize } from '../output/sanitize.ts'
import { openProjectStack, stackOptions } from '../project.ts'
import { eventWriter } from '../remote/event-text.ts'

type Told =
  | { readonly type: 'capture' }
  | { readonly type: 'event'; readonly event: ReceivedEvent }
  | ({ readonly type: 'container' } & ContainerEvent)

const write = eventWriter()

const options = {
  app: appOption,
  dump: flag('-d, --dump', 'a line an event, instead of the screen'),
  stack: flag('--stack', 'what happens to the containers of the stack instead (docker compose events)'),
  since: moment('--since <time>', 'with --stack: also what happened since then, as far as the engine remembers'),
  until: moment('--until <time>', 'with --stack: only what happens before'),
  ...stackOptions,
}

export const command = defineCommand({
  arguments: [['[services...]', 'with --stack: only these (default: all)']],
  options,
  examples: [
    'celery-sandbox events',
    'celery-sandbox events --dump',
    'celery-sandbox events --stack worker --since 10m',
    'celery-sandbox events --json',
  ],

  run: (context, given, services) =>
    given.stack ? eventsOfStack(context, given, services) : eventsOfCluster(context, given),

  text(told) {
    if (told.type === 'container') return containerText(told)
    return told.type === 'capture' ? '-> evdump: starting capture...' : write(told.event)
  },
})

function eventsOfCluster(context: Context, given: Values<typeof options>): AsyncIterable<Told> {
  return withApp(context, given, async function* (app): AsyncIterable<Told> {
    if (context.mode === 'tty' && !given.dump) {
      const { watchCluster } = await import('../ui/screens/events.tsx')
      return await watchCluster(app, context)
    }
    const heard = feed<Told>()
    onAbort(context.signal, heard.end)
    yield { type: 'capture' }
    await app.events.receive((event) => heard.push({ type: 'event', event }))
    yield* heard
  })
}

async function* eventsOfStack(
  context: Context,
  given: Values<typeof options>,
  services: readonly string[],
): AsyncIterable<Told> {
  const stack = await openProjectStack(context, given)
  const { since, until } = given
  try {
    const events = stack.events({ services, since, until, signal: context.signal })
    for await (const event of events) yield { type: 'container', ...event }
  } finally {
    await stack.close()
  }
}

/** As docker compose writes it: `2026-11-20 10:00:00.123000 container start 1f2e… (image=redis:8, name=shop-redis-1)`. */
function containerText({ time, action, id, attributes }: ContainerEvent): string {
  const facts = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1))
  const list = facts.map(([name, value]) => `${name}=${value}`).join(', ')
  return sanitize(`${time.replace('T', ' ').replace('Z', '')} container ${action} ${id} (${list})`).replaceAll(
    '\n',
    ' ',
  )
}
