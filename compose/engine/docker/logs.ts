import { StringDecoder } from 'node:string_decoder'
import { LineSplitter, shownLines } from '../../lines.ts'
import type { EngineLogLine } from '../engine.ts'
import type { Frame } from './frames.ts'

/** Lines from a container without a terminal. */
export async function* frameLines(frames: AsyncIterable<Frame>): AsyncGenerator<EngineLogLine> {
  const splitters = { stdout: new LineSplitter(), stderr: new LineSplitter() }
  for await (const { stream, payload } of frames) {
    // Every frame begins with its time: `2026-11-20T10:56:00.123456789Z `.
    const space = payload.indexOf(0x20)
    const time = payload.toString('latin1', 0, space)
    for (const line of splitters[stream].push(payload.subarray(space + 1), time)) yield { stream, ...line }
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    for (const line of splitters[stream].end()) yield { stream, ...line }
  }
}

/** Lines from a container with a terminal: one stream, no frames; every line begins with its time. */
export async function* terminalLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<EngineLogLine> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const linesOf = (timed: string): EngineLogLine[] => {
    const [, time = '', text = ''] = /^(\S*) ?(.*)$/s.exec(timed) ?? []
    return shownLines(time, text).map((line) => ({ stream: 'stdout', ...line }))
  }
  for await (const chunk of chunks) {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield* linesOf(line)
  }
  if (rest !== '') yield* linesOf(rest)
}

/** RFC 3339 → the seconds that the engine takes, with all nine digits. */
export function unixTime(time: string | undefined): string | undefined {
  if (time === undefined) return undefined
  const [, whole = time, fraction = ''] = /^(.*?)(?:\.(\d+))?Z?$/.exec(time) ?? []
  return `${Date.parse(`${whole}Z`) / 1000}.${fraction.padEnd(9, '0')}`
}
