import { Beat, loadApp, nodename, survive } from '../../src/index.ts'
import { appOption, defineCommand, seconds, text, type Values } from '../command.ts'
import type { Context } from '../context.ts'
import { asDaemon, detachedText } from '../daemon/daemon.ts'
import { daemonOptions } from '../daemon/options.ts'
import { feed } from '../feed.ts'
import { onAbort, onOrphaned } from '../interrupt.ts'
import { commandLog, type LogEvent, levelNamed, loglevelOption, logText } from '../log.ts'
import { adoptStackEnvironment } from '../project.ts'

const options = {
  app: appOption,
  loglevel: loglevelOption,
  logfile: text('-f, --logfile <path>', 'append the log to a file'),
  schedule: text('-s, --schedule <path>', 'file of the last runs (default: celerybeat-schedule.json)'),
  scheduler: text(
    '-S, --scheduler <name>',
    'where the last runs are kept: file, memory, redis, redis://… (default: file); of several on one redis, one sends',
  ),
  maxInterval: seconds('--max-interval <seconds>', 'ask every schedule again after so long (default: 300)'),
  ...daemonOptions,
}

export const command = defineCommand({
  options,
  examples: [
    'celery-sandbox beat -l info',
    'celery-sandbox beat -A app.ts -s /var/lib/shop/schedule.json --pidfile /run/beat.pid',
    'celery-sandbox beat -S redis',
  ],

  run(context, given) {
    return asDaemon(context, given, hostname, (here, onReady) => send(here, given, onReady))
  },

  text: (event) => (event.type === 'detached' ? detachedText(event) : logText(event)),
})

const hostname = nodename('beat@%h')

async function* send(
  context: Context,
  { app: appPath, loglevel = 'warning', logfile, ...given }: Values<typeof options>,
  onReady: () => void,
): AsyncIterable<LogEvent> {
  const level = levelNamed(loglevel)
  await adoptStackEnvironment(context)
  const { app } = await loadApp(appPath, context.cwd)
  const records = feed<LogEvent>()
  const log = commandLog(app, { level, logfile, hostname }, context, records.push)
  const beat = new Beat(app, { ...given, log })
  const endSurvival = survive(log)
  try {
    yield { type: 'banner', banner: beat.banner({ file: logfile ?? '[stderr]', level }) }
    const stop = () => void beat.stop()
    onAbort(context.signal, stop)
    onOrphaned(stop)
    beat.stopped.finally(() => app.close()).then(records.end, records.fail)
    await beat.start()
    onReady()
    yield* records
  } finally {
    endSurvival()
  }
}
