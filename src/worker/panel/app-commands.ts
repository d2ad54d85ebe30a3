import { bugReport } from '../../app/bug-report.ts'
import { camelCase } from '../../app/config/case.ts'
import { settingsForPeople } from '../../app/config/humanize.ts'
import type { Task } from '../../app/task.ts'
import { repr } from '../../protocol/repr.ts'
import { type Commands, texts } from './target.ts'

/** What a worker knows of its app. */
export const appCommands: Commands = {
  conf: {
    kind: 'inspect',
    help: 'its settings, without secrets',
    args: [['with_defaults', 'flag']],
    signature: '[include_defaults=False]',
    alias: 'dump_conf',
    run: ({ app }, { with_defaults: withDefaults }) =>
      settingsForPeople(app.conf, { withDefaults: withDefaults === true }),
  },
  registered: {
    kind: 'inspect',
    help: 'the tasks that it knows',
    variadic: 'taskinfoitems',
    signature: '[attr1 [attr2 [... [attrN]]]]',
    alias: 'dump_tasks',
    run({ app }, { taskinfoitems, builtins }) {
      const given = texts(taskinfoitems)
      const attributes = given.length > 0 ? given : ['exchange', 'routing_key', 'rate_limit']
      const names = builtins === true ? app.tasks.names({ builtins: true }) : app.tasks.names()
      return names.map((name) => describe(name, app.tasks.get(name), attributes))
    },
  },
  report: {
    kind: 'inspect',
    help: 'versions and settings, for bug reports',
    run: ({ app }) => ({ ok: bugReport(app) }),
  },
}

/** `mails.send [rate_limit=10/m]`. */
function describe(name: string, task: Task | undefined, attributes: readonly string[]): string {
  const options: Record<string, unknown> = { ...task?.options, name }
  const shown = attributes.flatMap((attribute) => {
    const value = options[camelCase(attribute)]
    return value === undefined || value === null ? [] : [`${attribute}=${plain(value)}`]
  })
  return shown.length > 0 ? `${name} [${shown.join(' ')}]` : name
}

/** As Python's `str` shows it. */
const plain = (value: unknown) => (typeof value === 'string' ? value : repr(value))
