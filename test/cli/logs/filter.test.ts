import { describe, expect, it } from 'vitest'
import { type LineWish, lineFilter } from '../../../cli/logs/filter.ts'
import type { LogLine } from '../../../compose/index.ts'

const line = (text: string, change: Partial<LogLine> = {}): LogLine => ({
  service: 'worker',
  container: 'shop-worker-1',
  stream: 'stdout',
  time: '2026-11-21T10:00:00.000000000Z',
  text,
  ...change,
})

async function shown(wish: LineWish, lines: readonly LogLine[]): Promise<string[]> {
  const isShown = await lineFilter(wish)
  return lines.filter(isShown).map(({ text }) => text)
}

describe('lines of a log', () => {
  const lines = [
    line('[2026-11-21 10:00:00,123: ERROR/MainProcess] one'),
    line('[2026-11-21 10:00:00,123: INFO/MainProcess] other', { container: 'shop-worker-2' }),
    line('  of one'),
    line('of nobody', { stream: 'stderr' }),
    line('exited with code 1', { stream: 'notice' }),
  ]

  it('are all shown when nothing is wished', async () => {
    expect(await shown({}, lines)).toHaveLength(5)
  })

  it('go on with the record of their own container and stream', async () => {
    expect(await shown({ level: 'error' }, lines)).toEqual([lines[0]?.text, '  of one', 'exited with code 1'])
  })

  it('match without their colours', async () => {
    const colored = line('\x1b[31mtask \x1b[0mfailed')
    expect(await shown({ grep: '(?i)TASK failed$' }, [colored, line('task succeeded')])).toEqual([colored.text])
  })

  it('are searched in time that grows with their length, whatever the expression', async () => {
    const startedAt = performance.now()
    expect(await shown({ grep: '(a+)+$' }, [line(`${'a'.repeat(60_000)}b`)])).toEqual([])
    expect(performance.now() - startedAt).toBeLessThan(1000)
  })

  it('are not searched with what makes no sense', async () => {
    await expect(lineFilter({ grep: '(' })).rejects.toMatchObject({
      code: 'USAGE',
      message: '--grep: missing closing ): `(`',
    })
    await expect(lineFilter({ grep: 'a(?=b)' })).rejects.toMatchObject({ next: expect.stringContaining('look-around') })
  })
})
