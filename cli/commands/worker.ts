import {
  type Celery,
  embedBeat,
  escalate,
  type Logger,
  loadApp,
  nodename,
  poolNames,
  redirectConsole,
  type ShutdownLevel,
  survive,
  Worker,
} from '../../src/index.ts'
import { appOption, count, defineCommand, flag, names, type Option, seconds, text, type Values } from '../command.ts'
import type { Context } from '../context.ts'
import { asDaemon, detachedText } from '../daemon/daemon.ts'
import { daemonOptions } from '../daemon/options.ts'
import { rootWarning } from '../daemon/user.ts'
import { exitCodes, exitNow } from '../exit.ts'
import { feed } from '../feed.ts'
import { onAbort, onOrphaned, takeSignals } from '../interrupt.ts'
import { commandLog, type LogEvent, levelNamed, loglevelOption, logText } from '../log.ts'
import { adoptStackEnvironment } from '../project.ts'

const options = {
  app: appOption,
  loglevel: loglevelOption,
  logfile: text('-f, --logfile <path>', 'append the log to a file; %n is the worker, %h that with its host'),
  concurrency: count('-c, --concurrency <n>', 'tasks at one time (default: the number of processors)'),
  pool: { ...text('-P, --pool <pool>', 'where tasks run (default: async)'), choices: Object.keys(poolNames) },
  autoscale: range('--autoscale <max,min>', 'let the pool grow and shrink with its load'),
  timeLimit: seconds('--time-limit <seconds>', 'end tasks that take longer (prefork, threads)'),
  softTimeLimit: seconds('--soft-time-limit <seconds>', 'ask tasks that take longer to end'),
  maxTasksPerChild: count('--max-tasks-per-child <n>', 'replace a child after so many tasks'),
  maxMemoryPerChild: count('--max-memory-per-child <KiB>', 'replace a child that holds more memory'),
  queues: names('-Q, --queues <names>', 'queues to serve, separated by commas'),
  excludeQueues: names('-X, --exclude-queues <names>', 'queues not to serve'),
  hostname: text('-n, --hostname <name>', 'node name; %h is the host (default: celery@%h)'),
  stateDb: text('-S, --statedb <path>', 'remember revoked tasks in a file; %n is the worker'),
  taskEvents: flag('-E, --task-events', 'send task events for monitors'),
  heartbeatInterval: seconds('--heartbeat-interval <seconds>', 'between heartbeats (default: 2)'),
  withoutHeartbeat: flag('--without-heartbeat', 'send no heartbeats'),
  withoutMingle: flag('--without-mingle', 'do not greet the other workers'),
  withoutGossip: flag('--without-gossip', 'do not listen to the other workers'),
  beat: flag('-B, --beat', 'also send periodic tasks: in one worker only, or with --scheduler redis'),
  schedule: text('-s, --schedule <path>', 'with -B: file of the last runs (default: celerybeat-schedule.json)'),
  scheduler: text('--scheduler <name>', 'with -B: file, memory, redis or redis://… for the last runs (default: file)'),
  ...daemonOptions,
}

export const command = defineCommand({
  options,
  examples: [
    'celery-sandbox worker -l info',
    'celery-sandbox worker -A app.ts -Q celery,mails -c 20 -n w1@%h -E',
    'celery-sandbox worker --detach -f /var/log/shop/%n.log --pidfile /run/shop/%n.pid --uid shop',
  ],

  run(context, given) {
    const hostname = nodename(given.hostname ?? 'celery@%h')
    return asDaemon(context, given, hostname, (here, onReady) => work(here, { ...given, hostname }, onReady))
  },

  text: (event) => (event.type === 'detached' ? detachedText(event) : logText(event)),
})

async function* work(
  context: Context,
  {
    app: appPath,
    loglevel = 'warning',
    logfile,
    beat,
    schedule,
    scheduler,
    ...given
  }: Values<typeof options> & { hostname: string },
  onReady: () => void,
): AsyncIterable<LogEvent> {
  const level = levelNamed(loglevel)
  await adoptStackEnvironment(context)
  const { app, spec } = await loadApp(appPath, context.cwd)
  const records = feed<LogEvent>()
  const { hostname } = given
  const log = commandLog(app, { level, logfile, hostname }, context, records.push)
  const { workerRedirectStdouts, workerRedirectStdoutsLevel } = app.conf
  const endSurvival = survive(log)
  const giveBack = workerRedirectStdouts ? redirectConsole(log, levelNamed(workerRedirectStdoutsLevel)) : () => {}
  const taskEvents = given.taskEvents || undefined // without the flag, as the settings say
  const worker = new Worker(app, { ...given, taskEvents, log, hostname, appPath: spec })
  if (beat) embedBeat(app, { schedule, scheduler, log })
  yield { type: 'banner', banner: worker.banner }
  stopOnSignals(worker, app, log, context)
  const warning = rootWarning(context.env)
  if (warning) log.warning(warning)
  worker.start().then(onReady, records.fail)
  worker.stopped.then(() => app.close()).then(records.end, records.fail)
  try {
    yield* records
  } finally {
    giveBack()
    endSurvival()
  }
}

/** Each signal asks for the end, in the words and with the levels of Celery. */
function stopOnSignals(worker: Worker, { conf }: Celery, log: Logger, { env, signal }: Context): void {
  let level: ShutdownLevel | undefined
  const onSignal = (name: NodeJS.Signals) => {
    const meant = name === 'SIGTERM' && env.REMAP_SIGTERM === 'SIGQUIT' ? 'SIGQUIT' : name
    const next = escalate(level, meant, conf.workerSoftShutdownTimeout > 0)
    if (next === 'hard') exitNow(exitCodes.failure)
    if (next === level) return
    level = next
    const { ctrlC, title } = announcements[level]
    if (name === 'SIGINT' && ctrlC) log.warning(`worker: Hitting Ctrl+C again will ${ctrlC}!`)
    if (title) log.warning(`worker: ${title} (MainProcess)`)
    void worker.stop({ level })
    if (level === 'warm') return
    process.exitCode = exitCodes.failure
    // A task that was cut off on this event loop may still hold the process.
    void worker.stopped.then(() => setTimeout(() => exitNow(exitCodes.failure), 1_000).unref())
  }
  takeSignals(onSignal)
  onAbort(signal, () => onSignal('SIGTERM'))
  onOrphaned(() => onSignal('SIGTERM'))
}

// The soft level announces itself.
const announcements: Readonly<Record<ShutdownLevel, { ctrlC?: string; title?: string }>> = {
  warm: { ctrlC: 'initiate cold shutdown, terminating all running tasks', title: 'Warm shutdown' },
  soft: {},
  cold: { ctrlC: 'end this process at once', title: 'Cold shutdown' },
}

/** `10,3`; without a minimum, 0. */
function range(flags: string, meaning: string): Option<{ max: number; min: number } | undefined> {
  const parse = (given: string) => {
    const [max = Number.NaN, min = 0] = given.split(',').map(Number)
    if (Number.isInteger(max) && Number.isInteger(min) && 0 <= min && min <= max && max > 0) return { max, min }
    throw new RangeError('it must be max,min: 10,3')
  }
  return { flags, meaning, parse }
}
