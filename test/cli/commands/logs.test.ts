import { describe, expect, it } from 'vitest'
import { type LogEvent, logText } from '../../../cli/commands/logs.ts'
import { createPaint } from '../../../cli/output/paint.ts'
import { toJson } from '../../../cli/output/printer.ts'

const event: LogEvent = {
  type: 'log',
  service: 'worker',
  container: 'shop-worker-1',
  stream: 'stdout',
  time: '2026-11-21T10:00:00.000000000Z',
  text: 'hello',
}
const plain = createPaint(false)
const colored = createPaint(true)

describe('a line of a log', () => {
  it('has its container before it, unless it shall not', () => {
    expect(logText(event, plain)).toBe('shop-worker-1 | hello')
    expect(logText({ ...event, bare: true }, plain)).toBe('hello')
  })

  it('keeps its colours where there are colours, and nothing else that steers a terminal', () => {
    const text = '\x1b[31mred\x1b[2J\x1b]0;title\x07 text'
    expect(logText({ ...event, text, bare: true }, plain)).toBe('red text')
    expect(logText({ ...event, text, bare: true }, colored)).toBe('\x1b[31mred text\x1b[0m')
  })

  it('has the colour of its service, always the same', () => {
    const prefix = (service: string, container: string) => logText({ ...event, service, container, text: '' }, colored)
    const colorOf = (text: string) => /^\x1b\[\d+m/.exec(text)?.[0]
    expect(colorOf(prefix('worker', 'shop-worker-1'))).toBe(colorOf(prefix('worker', 'shop-worker-2')))
    const colors = ['redis', 'rabbitmq', 'worker', 'beat'].map((service) => colorOf(prefix(service, 'x')))
    expect(new Set(colors).size).toBeGreaterThan(1)
  })

  it('that nobody wrote says so by its looks', () => {
    expect(logText({ ...event, stream: 'notice', text: 'exited with code 1' }, plain)).toBe(
      'shop-worker-1 exited with code 1',
    )
    expect(logText({ ...event, stream: 'notice', container: '', text: 'the engine is back' }, plain)).toBe(
      'the engine is back',
    )
  })

  it('steers no terminal as JSON either, and reads the same', () => {
    const text = '\x1b[2J\x9b2J\x7f\u202egnp.exe\u2028'
    const hostile: LogEvent = { ...event, text }
    const json = toJson(hostile)
    expect(json).toMatch(/^[\x20-\x7e]+$/)
    expect(JSON.parse(json).text).toBe(text)
  })
})
