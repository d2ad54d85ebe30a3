import { Channel } from '../channel.ts'
import { messageOf, StackError } from '../errors.ts'
import type { StackEvent } from '../events.ts'
import { type Reaction, reactionsTo, type WatchRule, watchRules } from '../plan/reactions.ts'
import type { Context, Doing } from './context.ts'
import { selectContainers } from './selection.ts'
import { restart } from './start.ts'
import { up } from './up.ts'

/** What `watch` takes. */
export interface WatchOptions {
  /** All that say what to watch when empty. */
  readonly services?: readonly string[] | undefined
  /** Ends the watch. */
  readonly signal?: AbortSignal | undefined
}

// An editor writes a file in several steps, a branch that is checked out many files.
const quietMs = 100

/**
 * Does what `develop.watch` says whenever files change, until the signal aborts; a reaction that fails is told, and
 * the next change is another chance.
 *
 * @throws {StackError} NOTHING_TO_WATCH
 */
export async function watch(context: Context, { services = [], signal }: WatchOptions, doing: Doing): Promise<void> {
  const rules = watchRules(context.project.model(), services)
  if (rules.length === 0) throw new StackError('NOTHING_TO_WATCH', 'no service says what to watch')
  const ends = signal ? AbortSignal.any([doing.signal, signal]) : doing.signal
  for await (const changed of changes(rules, { ...doing, signal: ends })) {
    for (const reaction of reactionsTo(rules, changed)) {
      const { service, paths } = reaction
      doing.emit({ type: 'change', service, paths, action: actionOf(reaction) })
      await react(context, reaction, doing).catch((thrown: unknown) => {
        doing.signal.throwIfAborted()
        doing.emit({ type: 'warning', message: `${service} is as it was: ${messageOf(thrown)}` })
      })
    }
  }
}

function actionOf({ rebuild, restart: restarts, files }: Reaction): 'rebuild' | 'restart' | 'sync' {
  return rebuild ? 'rebuild' : restarts || files.length === 0 ? 'restart' : 'sync'
}

async function react(context: Context, reaction: Reaction, doing: Doing): Promise<void> {
  const { service, files, execs } = reaction
  const quiet = { ...doing, emit: (event: StackEvent) => isProgress(event) && doing.emit(event) }
  if (reaction.rebuild) {
    return up(context, { services: [service], dependencies: false, images: { build: 'always' } }, quiet)
  }
  const containers = await selectContainers(context.engine, context.project.name, [service])
  const running = containers.filter(({ state }) => state === 'running')
  await Promise.all(running.map(({ id }) => context.engine.sync(id, files)))
  if (reaction.restart) await restart(context, { services: [service] }, quiet)
  for (const { command, user, working_dir: directory, privileged: isPrivileged = false } of execs) {
    if (!command) continue
    const spec = { command, user, directory, isPrivileged, tty: false }
    await Promise.all(running.map(({ id }) => context.engine.execDetached(id, spec)))
  }
}

/** What happens to containers; not that a plan was made and done again. */
function isProgress({ type }: StackEvent): boolean {
  return type !== 'engine' && type !== 'plan' && type !== 'done'
}

/** Changed paths, absolute, those of a moment together. */
async function* changes(rules: readonly WatchRule[], { emit, signal }: Doing): AsyncGenerator<readonly string[]> {
  const { watch: watchPaths } = await import('chokidar')
  const batches = new Channel<readonly string[]>()
  let batch = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    const done = [...batch]
    batch = new Set()
    void batches.push(done)
  }
  const paths = [...new Set(rules.map(({ path }) => path))]
  const watcher = watchPaths(paths, {
    ignoreInitial: true,
    ignored: /[/\\](?:node_modules|\.git|\.celery-sandbox)(?:[/\\]|$)/,
  })
  watcher.on('all', (_event, path) => {
    batch.add(path)
    clearTimeout(timer)
    timer = setTimeout(flush, quietMs)
  })
  watcher.on('ready', () => emit({ type: 'watching', paths }))
  watcher.on('error', (error) => batches.close(error))
  const stop = () => batches.close()
  signal.addEventListener('abort', stop, { once: true })
  try {
    yield* batches
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
    await watcher.close()
  }
}
