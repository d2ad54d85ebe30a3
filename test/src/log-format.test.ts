import { describe, expect, it } from 'vitest'
import type { LogRecord } from '../../src/log.ts'
import { logFormatter, logRecordForPrograms } from '../../src/log-format.ts'

const record: LogRecord = {
  level: 'warning',
  message: 'low on space',
  time: new Date(2026, 10, 20, 9, 26, 13, 96).getTime(),
  fields: {},
}
const ofTask: LogRecord = { ...record, fields: { logger: 'celery.task', taskId: '1c97', taskName: 'tasks.add' } }

describe('a log format', () => {
  it('is Celery’s where nothing else is said', () => {
    expect(logFormatter()(record)).toBe('[2026-11-20 09:26:13,096: WARNING/MainProcess] low on space')
  })

  it('shows what a task writes with its name and id', () => {
    const line = '[2026-11-20 09:26:13,096: WARNING/MainProcess] tasks.add[1c97]: low on space'
    expect(logFormatter()(ofTask)).toBe(line)
  })

  it('knows the placeholders of Python', () => {
    const format = '%(levelname)-10s|%(levelno)04d|%(message).3s|%(msecs)d|%(name)s|100%%'
    expect(logFormatter({ format })(record)).toBe('WARNING   |0030|low|96|celery.worker|100%')
    expect(logFormatter({ taskFormat: '%(task_name)s %(task_id)s' })(ofTask)).toBe('tasks.add 1c97')
    expect(logFormatter({ format: '%(task_id)s' })(record)).toBe('???')
  })

  it('refuses a placeholder that does not exist', () => {
    expect(() => logFormatter({ format: '%(mesage)s' })).toThrow("a log record has no 'mesage'")
  })

  it('has the traceback below its line', () => {
    const failed = { ...record, fields: { traceback: 'Error: x\n    at y' } }
    expect(logFormatter({ format: '%(message)s' })(failed)).toBe('low on space\nError: x\n    at y')
  })

  it('colours the message by its level', () => {
    const format = logFormatter({ format: '%(levelname)s %(message)s', isColored: true })
    expect(format(record)).toBe('WARNING \x1b[33mlow on space\x1b[39m')
    expect(format({ ...record, level: 'info' })).toBe('INFO low on space')
  })
})

describe('a record for programs', () => {
  it('is one flat object', () => {
    const withMore = { ...ofTask, fields: { ...ofTask.fields, traceback: 'Error', error: new Error('not plain data') } }
    expect(logRecordForPrograms(withMore, 'w1@test')).toEqual({
      ts: new Date(record.time).toISOString(),
      level: 'warning',
      message: 'low on space',
      logger: 'celery.task',
      taskId: '1c97',
      taskName: 'tasks.add',
      hostname: 'w1@test',
      fields: { traceback: 'Error' },
    })
    expect(logRecordForPrograms(record, 'w1@test')).not.toHaveProperty('taskId')
  })
})
