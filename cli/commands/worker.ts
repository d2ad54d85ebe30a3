import {
  createLogger,
  formatLogLine,
  type LogRecord,
  loadApp,
  logLevels,
  parseLogLevel,
  poolNames,
  Worker,
} from '../../src/index.ts'
import { defineCommand, flag, names, number, text } from '../command.ts'
import { CliError } from '../errors.ts'
import { feed } from '../feed.ts'
import { onAbort, onOrphaned } from '../interrupt.ts'
import { sanitize } from '../output/sanitize.ts'
import { adoptStackEnvironment } from '../project.ts'

type WorkerEvent =
  | { type: 'banner'; banner: string }
  | { type: 'log'; level: string; message: string; time: number; fields: Record<string, unknown> }

export const command = defineCommand({
  options: {
    app: text('-A, --app <path[:export]>', 'the app (default: app.ts of the project)'),
    loglevel: text('-l, --loglevel <level>', `${logLevels.join(', ')} (default: warning)`),
    concurrency: number('-c, --concurrency <n>', 'tasks at one time (default: the number of processors)'),
    pool: { ...text('-P, --pool <pool>', 'where tasks run (default: async)'), choices: Object.keys(poolNames) },
    queues: names('-Q, --queues <names>', 'queues to serve, separated by commas'),
    excludeQueues: names('-X, --exclude-queues <names>', 'queues not to serve'),
    hostname: text('-n, --hostname <name>', 'node name; %h is the host (default: celery@%h)'),
    taskEvents: flag('-E, --task-events', 'send task events for monitors'),
  },
  examples: ['celery-sandbox worker -l info', 'celery-sandbox worker -A app.ts -Q celery,mails -c 20 -n w1@%h -E'],

  async *run(context, options): AsyncIterable<WorkerEvent> {
    const level = parseLogLevel(options.loglevel ?? 'warning')
    if (!level)
      throw new CliError('USAGE', `no such log level: '${options.loglevel}'; there are ${logLevels.join(', ')}`)
    await adoptStackEnvironment(context)
    const { app, spec } = await loadApp(options.app, context.cwd)
    const records = feed<WorkerEvent>()
    const log = createLogger((record) => records.push({ type: 'log', ...record }), level)
    const worker = new Worker(app, {
      log,
      appPath: spec,
      ...(options.pool !== undefined && { pool: options.pool }),
      ...(options.concurrency !== undefined && { concurrency: options.concurrency }),
      ...(options.queues && { queues: options.queues }),
      ...(options.excludeQueues && { excludeQueues: options.excludeQueues }),
      ...(options.hostname !== undefined && { hostname: options.hostname }),
      ...(options.taskEvents && { taskEvents: true }),
    })
    yield { type: 'banner', banner: worker.banner }
    const shutDown = () => {
      log.warning('worker: Warm shutdown (MainProcess)')
      void worker.stop()
    }
    onAbort(context.signal, shutDown)
    onOrphaned(shutDown)
    worker.start().catch(records.fail)
    worker.stopped.then(() => app.close()).then(records.end, records.fail)
    yield* records
  },

  text(event) {
    return event.type === 'banner' ? event.banner : sanitize(formatRecord(event as LogRecord & WorkerEvent))
  },
})

function formatRecord(record: LogRecord): string {
  const { traceback } = record.fields
  return formatLogLine(record) + (typeof traceback === 'string' ? `\n${traceback}` : '')
}
