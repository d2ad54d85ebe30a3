import { bugReport } from '../../src/index.ts'
import { withApp } from '../app.ts'
import { appOption, defineCommand } from '../command.ts'
import { sanitize } from '../output/sanitize.ts'
import { stackOptions } from '../project.ts'

interface ReportEvent {
  readonly type: 'report'
  readonly report: string
}

export const command = defineCommand({
  options: { app: appOption, ...stackOptions },
  examples: ['celery-sandbox report'],

  run: (context, options) =>
    withApp(context, options, async function* (app): AsyncIterable<ReportEvent> {
      yield { type: 'report', report: bugReport(app) }
    }),

  text: ({ report }) => sanitize(report),
})
