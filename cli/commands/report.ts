import { bugReport, loadApp } from '../../src/index.ts'
import { defineCommand, text } from '../command.ts'
import { sanitize } from '../output/sanitize.ts'
import { adoptStackEnvironment, stackOptions } from '../project.ts'

interface ReportEvent {
  readonly type: 'report'
  readonly report: string
}

export const command = defineCommand({
  options: { app: text('-A, --app <path[:export]>', 'the app (default: app.ts of the project)'), ...stackOptions },
  examples: ['celery-sandbox report'],

  async *run(context, options): AsyncIterable<ReportEvent> {
    await adoptStackEnvironment(context, options)
    const { app } = await loadApp(options.app, context.cwd)
    yield { type: 'report', report: bugReport(app) }
    await app.close()
  },

  text: ({ report }) => sanitize(report),
})
