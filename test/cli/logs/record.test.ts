import { describe, expect, it } from 'vitest'
import { describeLines, levelOf } from '../../../cli/logs/record.ts'
import { createLogger, type LogRecord, logFormatter } from '../../../src/index.ts'

const id = '0b8e2c0e-1111-2222-3333-444455556666'

describe('the level of a line', () => {
  it.each([
    ['[2026-11-21 10:00:00,123: INFO/MainProcess] Connected to amqp://', 'info'],
    [
      `[2026-11-21 10:00:00,123: ERROR/ForkPoolWorker-1] Task tasks.add[${id}] raised unexpected: ZeroDivisionError()`,
      'error',
    ],
    ['[2026-11-21 10:00:00,123: WARNING/MainProcess] \x1b[33mmind\x1b[0m', 'warning'],
    ['2026-11-21 10:00:00.123456+00:00 [notice] <0.44.0> Logging: configured log handlers are now ACTIVE', 'info'],
    ['2026-11-21 10:00:00.123456+00:00 [error] <0.44.0> disk', 'error'],
    ['2026-11-21 10:00:00.123456+00:00 [critical] <0.44.0> disk', 'critical'],
    ['1:C 21 Nov 2026 10:00:00.123 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo', 'warning'],
    ['1:M 21 Nov 2026 10:00:00.123 * Ready to accept connections', 'info'],
    ['1:M 21 Nov 2026 10:00:00.123 - Accepted 127.0.0.1:1234', 'debug'],
    ['{"ts":"2026-11-21T10:00:00.000Z","level":"warning","message":"mind"}', 'warning'],
    ['{"level":50,"msg":"pino"}', 'error'],
    ['{"levelno":30,"message":"Python"}', 'warning'],
    ['{"severity":"ERROR"}', 'error'],
    ['{"message":"no level"}', 'info'],
    ['time=2026-11-21T10:00:00Z level=warning msg=x', 'warning'],
    ['WARNING:root:mind', 'warning'],
    ['2026-11-21 10:00:00,123 ERROR django: x', 'error'],
    ['2026-11-21T10:00:00.123Z FATAL x', 'critical'],
    ['[WARN] x', 'warning'],
  ])('%s', (text, level) => {
    expect(levelOf(text)).toBe(level)
  })

  it.each(['an error', 'INFORMATION desk', 'Errors: none', '  File "x.py", line 3', '{not json', ''])(
    'is not told by: %s',
    (text) => {
      expect(levelOf(text)).toBeUndefined()
    },
  )

  it('is told by every line that this package writes', () => {
    const records: LogRecord[] = []
    const log = createLogger((record) => records.push(record), 'debug')
    log.debug('a')
    log.info('a')
    log.warning('a')
    log.error('a')
    log.critical('a')
    const format = logFormatter({ isColored: true })
    expect(records.map((record) => levelOf(format(record)))).toEqual(records.map(({ level }) => level))
  })

  it('costs little, whatever the line is', () => {
    const startedAt = performance.now()
    for (const letter of [' ', '[', '=', 'a', '\x1b', '{', '.', '-', '\r']) levelOf(letter.repeat(65_536))
    expect(performance.now() - startedAt).toBeLessThan(3000)
  })
})

const levels = (lines: string[]) => {
  const read = describeLines(undefined)
  return lines.map((line) => read(line).level)
}

describe('a record', () => {
  it('is its first line and the traceback below', () => {
    expect(
      levels([
        'banner',
        '[2026-11-21 10:00:00,123: ERROR/ForkPoolWorker-1] Task a[1] raised unexpected: E()',
        'Traceback (most recent call last):',
        '  File "x.py", line 3, in a',
        'ValueError: INFO',
        '[2026-11-21 10:00:00,124: INFO/MainProcess] next',
      ]),
    ).toEqual(['info', 'error', 'error', 'error', 'error', 'info'])
  })

  it('that nobody logged is an error as well', () => {
    expect(levels(['hello', 'Traceback (most recent call last):', '  File "x.py"', 'ImportError: no'])).toEqual([
      'info',
      'error',
      'error',
      'error',
    ])
    expect(levels(['[2026-11-21 10:00:00,123: INFO/M] a', 'TypeError: x', '    at y'])).toEqual([
      'info',
      'error',
      'error',
    ])
  })

  it.each([
    ['its id', id],
    ['its name', 'tasks.add'],
  ])('is about a task by %s, with all its lines', (_, task) => {
    const read = describeLines(task)
    const lines = [
      `[2026-11-21 10:00:00,123: INFO/MainProcess] Task tasks.add[${id}] received`,
      '[2026-11-21 10:00:00,123: INFO/MainProcess] Task tasks.add_all[other] received',
      '[2026-11-21 10:00:00,123: INFO/MainProcess] Task my.tasks.add[other] received',
      `[2026-11-21 10:00:00,124: INFO/ForkPoolWorker-1] tasks.add[${id}]: adding`,
      '  and more of it',
      `{"level":"info","message":"x","taskId":"${id}","taskName":"tasks.add"}`,
      '{"level":"info","message":"x"}',
    ]
    expect(lines.map((line) => read(line).isAbout)).toEqual([true, false, false, true, true, true, false])
  })
})
