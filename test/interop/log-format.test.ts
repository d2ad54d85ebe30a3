import { afterAll, beforeAll, expect, it } from 'vitest'
import { defaultLogFormat, logFormatter } from '../../src/log-format.ts'
import { describeWith } from '../support/parts.ts'
import { type PythonClient, pythonClient } from '../support/python/client.ts'

describeWith(['python'], 'a log format', () => {
  let python: PythonClient
  beforeAll(async () => {
    python = await pythonClient({ broker: 'memory://', backend: 'cache+memory://' })
  })
  afterAll(() => python.stop())

  it.each([defaultLogFormat, '%(levelname)-10s|%(levelno)06d|%(message).3s|%(message)20s|%(created).2f|100%%'])(
    'reads as it does in Python: %s',
    async (format) => {
      const time = 1_795_166_773_096
      const record = { level: 'warning', message: 'low on space', time, fields: {} } as const
      const level = `levelno=30, levelname='WARNING'`
      const names = `dict(${level}, msg='low on space', created=${time / 1000}, msecs=${time % 1000})`
      const line = await python.eval(
        `(exec("import logging"), logging.Formatter(${JSON.stringify(format)}).format(logging.makeLogRecord(${names})))[1]`,
      )
      expect(logFormatter({ format })(record)).toBe(line)
    },
  )
})
